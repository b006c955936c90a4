//! Palabre.

pub mod db;
