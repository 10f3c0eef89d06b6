//! The real image in real containers, and what happens when one of them dies. `make test-containers` builds the images and runs this;
//! which S3 server stands in (`S3_IMAGE`) is printed by each test. What needs no container is tested in `tests/it/`.

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
