"""Creates a topic of a Ceph gateway that posts to a URL, by boto3's client of SNS, and prints its ARN."""

import sys

import boto3

endpoint, name, url = sys.argv[1:]
sns = boto3.client("sns", endpoint_url=endpoint, region_name="us-east-1")
print(sns.create_topic(Name=name, Attributes={"push-endpoint": url})["TopicArn"])
