//! Templates: the only place where HTML is made. `chatroom/_message.html` is *the* fragment, the same bytes on every way.

pub mod asset;
pub mod context;
mod file;
pub mod locale;
pub mod told;

use crate::clock::{self, Micros};
use crate::error::{Error, Result};
use crate::message::Message;
use asset::Assets;
use locale::Locale;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{AutoEscape, Environment, ErrorKind, State, UndefinedBehavior};
use rust_embed::RustEmbed;
use serde::Serialize;
use std::str::FromStr;
use std::sync::Arc;
use time::macros::format_description;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/templates"]
struct Files;

/// All templates, ready to be rendered. A cheap clone.
#[derive(Clone)]
pub struct Views {
    templates: Arc<Environment<'static>>,
    assets: Assets,
}

impl Default for Views {
    fn default() -> Self {
        let assets = Assets::default();
        Self { templates: Arc::new(environment(assets.clone())), assets }
    }
}

impl Views {
    /// The browser's side, as files.
    pub fn assets(&self) -> &Assets {
        &self.assets
    }

    /// Renders a page or a part of one.
    ///
    /// # Errors
    /// `Internal`: a template that asks for what its context does not hold is our fault.
    pub fn render(&self, name: &str, context: &impl Serialize) -> Result<String> {
        let template = self.templates.get_template(name).map_err(Error::internal)?;
        template.render(Serde(context)).map_err(Error::internal)
    }

    /// Renders the fragment of a message: no viewer, no words of the interface.
    ///
    /// # Errors
    /// `Internal`.
    pub fn message(&self, message: &Message) -> Result<String> {
        #[derive(Serialize)]
        struct Root<'a> {
            message: context::Fragment<'a>,
        }
        self.render("chatroom/_message.html", &Root { message: context::Fragment::new(message) })
    }

    /// The names of all templates.
    pub fn names() -> impl Iterator<Item = String> {
        Files::iter().map(|name| name.into_owned())
    }
}

fn environment(assets: Assets) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_loader(|name| match Files::get(name) {
        None => Ok(None),
        Some(file) => String::from_utf8(file.data.into_owned())
            .map(Some)
            .map_err(|error| minijinja::Error::new(ErrorKind::BadSerialization, error.to_string())),
    });
    environment.add_function("t", translate);
    environment.add_function("asset", move |path: &str| assets.url(path));
    environment.add_filter("rfc3339", clock::rfc3339);
    environment.add_filter("utc_text", utc_text);
    environment.add_filter("fitted", |file: Value| file::fitted(&file));
    environment.add_filter("bytes", file::bytes);
    environment.add_filter("ending", file::ending);
    environment
}

/// `t("key", name=value)`: a text of the interface in the page's language.
fn translate(state: &State<'_, '_>, key: &str, args: Kwargs) -> std::result::Result<String, minijinja::Error> {
    let page = state.lookup("page").unwrap_or_default();
    let language = page.get_attr("locale").ok().and_then(|value| value.as_str().map(str::to_owned));
    let locale = language.and_then(|text| Locale::from_str(&text).ok()).unwrap_or_default();
    let mut values = Vec::new();
    for name in args.args() {
        let value: Value = args.get(name)?;
        values.push((name.to_owned(), value));
    }
    args.assert_all_used()?;
    locale
        .translate(key, values.iter().map(|(name, value)| (name.as_str(), locale::argument(value))))
        .ok_or_else(|| minijinja::Error::new(ErrorKind::InvalidOperation, format!("no text named {key:?}")))
}

/// A moment for who runs no JavaScript: the browser replaces it by local time.
fn utc_text(at: Micros) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    clock::moment(at).format(format).unwrap_or_default()
}
