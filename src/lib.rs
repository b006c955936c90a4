//! Palabre: real-time chat for communities that pursue goals together. The map, a line each; arrows point downward only.
//!
//! Floor 4, start and stop: `serve`, `main.rs`.
//! Floor 3, HTTP, HTML, what is said to whom: [`web`], [`live`], [`view`], [`app`].
//! Floor 2, the model: [`message`], [`goal`] over [`chatroom`] over [`user`]; [`setting`].
//! Floor 1, handles on the outside world: [`db`], [`files`], [`config`], [`clock`], [`error`], [`id`], [`mail`], [`outbound`], [`webpush`], [`sound`], [`text`].
//! Floor 1, what is kept in memory: [`budget`], [`presence`], [`quiet`], [`recent`], [`tops`], [`turns`], [`typing`].
//! Floor 0: the crate `mercure_hub`.

pub mod app;
pub mod budget;
pub mod chatroom;
pub mod clock;
pub mod config;
pub mod db;
pub mod error;
pub mod files;
pub mod goal;
pub mod id;
pub mod live;
pub mod mail;
pub mod message;
pub mod outbound;
pub mod presence;
pub mod quiet;
pub mod recent;
pub mod setting;
pub mod sound;
pub mod text;
pub mod tops;
pub mod turns;
pub mod typing;
pub mod user;
pub mod view;
pub mod web;
pub mod webpush;

mod serve;

pub use app::App;
pub use serve::serve;
