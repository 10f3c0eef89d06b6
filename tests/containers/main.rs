//! The real image in real containers, and the effect of failing containers. `make test-containers` builds the images and runs
//! this. Each test prints which S3 server it uses (`S3_IMAGE`). Tests without containers are in `tests/it/`.

mod bucket;
mod engine;
mod file_manager;
mod service;
mod stage;

mod crashes;
mod daemon;
mod endpoints;
mod images;
#[cfg(feature = "limits")]
mod limits;
mod volumes;
