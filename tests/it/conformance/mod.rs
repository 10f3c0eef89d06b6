//! What every implementation of a trait must do, as functions over the trait; and what only one of them can do wrong.

mod file_manager;
mod file_manager_faults;
