"""Changes in a bucket, one after the other, by boto3: puts, overwrites and deletes. Then what is there, by boto3's own listing.

Each line of its input is a round; it names a queue that is purged half-way and the process that listens to it, which sleeps until
then; or nothing. Of each round it prints two lines of
JSON: what was done, when it is done; then each key that is listed, with the SHA-256 of its content.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import sys

import boto3

# Changes whose notifications are lost.
LOST = 200


def main():
    asked = argparse.ArgumentParser()
    asked.add_argument("--endpoint", required=True)
    asked.add_argument("--bucket", required=True)
    asked.add_argument("--changes", type=int, required=True)
    asked = asked.parse_args()
    door = {
        "endpoint_url": asked.endpoint,
        "region_name": "us-east-1",
        "aws_access_key_id": "owner",
        "aws_secret_access_key": "any",
    }
    s3, sqs = boto3.client("s3", **door), boto3.client("sqs", **door)
    chance, contents = random.Random(20_261_121), {}
    for line in sys.stdin:
        done = {"put": 0, "overwritten": 0, "deleted": 0, "purged": 0}
        queue, listener = line.split() or ("", "")
        for number in range(asked.changes):
            if queue and number == asked.changes // 2:
                os.kill(int(listener), signal.SIGSTOP)
            change(s3, asked.bucket, chance, contents, done)
            if queue and number == asked.changes // 2 + LOST:
                done["purged"] = waiting(sqs, queue)
                sqs.purge_queue(QueueUrl=queue)
                os.kill(int(listener), signal.SIGCONT)
        print(json.dumps(done), flush=True)
        print(json.dumps(listed(s3, asked.bucket, contents)), flush=True)


def change(s3, bucket, chance, contents, done):
    """Half of them are new keys, a quarter other contents, a quarter deletes; a key that went may come back."""
    dice = chance.random()
    if contents and dice < 0.25:
        key = chance.choice(sorted(contents))
        s3.delete_object(Bucket=bucket, Key=key)
        del contents[key]
        done["deleted"] += 1
        return
    known = contents and dice < 0.5
    key = chance.choice(sorted(contents)) if known else f"a+b {chance.randrange(7)}/ü {chance.randrange(4000)}.txt"
    content = f"content {chance.random()}\n".encode() * chance.randrange(0, 40)
    s3.put_object(Bucket=bucket, Key=key, Body=content)
    done["overwritten" if key in contents else "put"] += 1
    contents[key] = content


def listed(s3, bucket, contents):
    """What the listing shows; its ETag is the MD5 of what was put, or the content is read."""
    there = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for entry in page.get("Contents", []):
            key, content = entry["Key"], contents.get(entry["Key"], b"")
            if hashlib.md5(content).hexdigest() != entry["ETag"].strip('"'):
                content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            there[key] = hashlib.sha256(content).hexdigest()
    return there


def waiting(sqs, queue):
    name = "ApproximateNumberOfMessages"
    return int(sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"][name])


main()
