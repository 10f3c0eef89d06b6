//! A sync engine for S3 with a memory.
//!
//! One sentence describes every flow:
//!
//! > observe → snapshot → diff → plan → apply → record → report
//!
//! The modules, in reading order:

pub mod clock;
pub mod file_manager;
pub mod record;
pub mod retry;
pub mod s3;
pub mod transfer;
