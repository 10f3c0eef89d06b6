//! The names of objects on disk, at length.

mod near_collisions;
