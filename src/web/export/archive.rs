//! The archive while it is written: a step is a page of messages or a piece of a file, and is only taken when the one before has
//! gone. So memory holds a page, whatever the room holds, and a reader who leaves ends it.

use super::Format;
use super::record::{Printed, Record, path};
use crate::app::App;
use crate::clock::{Micros, moment, rfc3339};
use crate::error::{Error, Result};
use crate::files::Bytestream;
use crate::message::export::{self, Beginning, Export, File};
use crate::view::context::MemberView;
use crate::view::locale::Locale;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde::Serialize;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, DateTime, ZipWriter};

/// What was written and not yet sent.
#[derive(Debug, Clone, Default)]
struct Outlet(Arc<Mutex<Vec<u8>>>);

impl Outlet {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where it is.
enum Stage {
    Json {
        after: i64,
        is_first: bool,
    },
    Html {
        after: i64,
    },
    /// `after` is none once the last page of files was read.
    Files {
        after: Option<i64>,
        waiting: VecDeque<File>,
        open: Option<Bytestream>,
    },
    Done,
}

/// An archive that is being written.
pub(super) struct Archive {
    app: App,
    export: Export,
    format: Format,
    head: Head,
    zip: Option<ZipWriter<StreamWriter<Outlet>>>,
    outlet: Outlet,
    stage: Stage,
}

/// What the templates and the data say of the whole.
#[derive(Debug, Serialize)]
struct Head {
    page: Language,
    title: String,
    exported_at: Micros,
    members: Vec<MemberView>,
    #[serde(skip)]
    json: String,
}

/// What `t()` looks for.
#[derive(Debug, Serialize)]
struct Language {
    locale: &'static str,
}

impl Archive {
    /// Begins one.
    ///
    /// # Errors
    /// `Internal`.
    pub(super) fn begin(app: App, begin: Beginning, locale: Locale, format: Format, now: Micros) -> Result<Self> {
        let json = serde_json::json!({
            "format": "palabre-room", "version": 1, "epoch": &*app.live.epoch, "exported_at": rfc3339(now),
            "exported_by": begin.export.user, "revision": begin.export.up_to, "room": begin.room,
            "members": begin.members,
        });
        let head = Head {
            page: Language { locale: locale.as_str() },
            title: begin.room.title,
            exported_at: now,
            members: begin.members.into_iter().map(MemberView::from).collect(),
            json: json.to_string(),
        };
        let outlet = Outlet::default();
        let zip = Some(ZipWriter::new_stream(outlet.clone()));
        Ok(Self {
            app,
            export: begin.export,
            format,
            head,
            zip,
            outlet,
            stage: Stage::Json { after: 0, is_first: true },
        })
    }

    /// Its bytes. An error cuts them off: what has no end is no archive.
    pub(super) fn stream(self) -> impl Stream<Item = io::Result<Bytes>> + use<> {
        stream::try_unfold(self, async |mut archive| {
            loop {
                let bytes = archive.outlet.take();
                if !bytes.is_empty() {
                    return Ok(Some((bytes, archive)));
                }
                if matches!(archive.stage, Stage::Done) {
                    return Ok(None);
                }
                archive.step().await.map_err(|error| {
                    tracing::warn!(%error, "an export was cut off");
                    io::Error::other(error)
                })?;
            }
        })
    }

    async fn step(&mut self) -> Result<()> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Json { .. } if !self.format.json => Stage::Html { after: 0 },
            Stage::Html { .. } if !self.format.html => no_files_yet(),
            Stage::Json { after, is_first } => self.json(after, is_first).await?,
            Stage::Html { after } => self.html(after).await?,
            Stage::Files { after, waiting, open } => self.files(after, waiting, open).await?,
            Stage::Done => Stage::Done,
        };
        Ok(())
    }

    /// One object: the head's members, then `messages`, a line each.
    async fn json(&mut self, after: i64, is_first: bool) -> Result<Stage> {
        let export = self.export;
        let messages = self.app.db.read(move |db| export::messages(db, export, after)).await?;
        if is_first {
            let opened = self.head.json.strip_suffix('}').unwrap_or(&self.head.json);
            let head = format!("{opened},\"messages\":[");
            self.start("room.json", self.head.exported_at)?;
            self.write(head.as_bytes())?;
        }
        let Some(last) = messages.last().map(|exported| exported.message.position) else {
            self.write(b"\n]}\n")?;
            return Ok(Stage::Html { after: 0 });
        };
        let mut text = String::new();
        for (at, exported) in messages.into_iter().enumerate() {
            text.push_str(if is_first && at == 0 { "\n" } else { ",\n" });
            text.push_str(&serde_json::to_string(&Record::from(exported)).map_err(Error::internal)?);
        }
        self.write(text.as_bytes())?;
        Ok(Stage::Json { after: last, is_first: false })
    }

    async fn html(&mut self, after: i64) -> Result<Stage> {
        #[derive(Serialize)]
        struct Part<'a> {
            page: &'a Language,
            messages: Vec<Printed>,
        }
        let export = self.export;
        let messages = self.app.db.read(move |db| export::messages(db, export, after)).await?;
        if after == 0 {
            let head = self.app.views.render("export/head.html", &self.head)?;
            self.start("room.html", self.head.exported_at)?;
            self.write(head.as_bytes())?;
        }
        let last = messages.last().map(|exported| exported.message.position);
        let messages = messages.into_iter().map(Printed::from).collect();
        let part = self.app.views.render("export/messages.html", &Part { page: &self.head.page, messages })?;
        self.write(part.as_bytes())?;
        match last {
            Some(last) => Ok(Stage::Html { after: last }),
            None => {
                self.write(b"</main>\n</body>\n</html>\n")?;
                Ok(no_files_yet())
            }
        }
    }

    async fn files(
        &mut self,
        mut after: Option<i64>,
        mut waiting: VecDeque<File>,
        open: Option<Bytestream>,
    ) -> Result<Stage> {
        if let Some(mut bytes) = open {
            return match bytes.next().await {
                Some(piece) => {
                    self.write(&piece.map_err(Error::internal)?)?;
                    Ok(Stage::Files { after, waiting, open: Some(bytes) })
                }
                None => Ok(Stage::Files { after, waiting, open: None }),
            };
        }
        while let Some(position) = after.filter(|_| waiting.is_empty()) {
            let export = self.export;
            let (files, next) = self.app.db.read(move |db| export::files(db, export, position)).await?;
            (waiting, after) = (files.into(), next);
        }
        let Some(file) = waiting.pop_front() else {
            if let Some(zip) = self.zip.take() {
                zip.finish().map_err(Error::internal)?;
            }
            return Ok(Stage::Done);
        };
        // A file whose message was deleted a moment ago is not in the archive; the data still names it.
        let open = self.app.files.read(&file.storage, None).await?;
        if open.is_some() {
            self.start(&path(file.id, &file.name), file.created_at)?;
        }
        Ok(Stage::Files { after, waiting, open })
    }

    fn start(&mut self, name: &str, at: Micros) -> Result<()> {
        // Whoever reads the archive as it comes needs its parts compressed: only then they say where they end.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(1))
            .last_modified_time(date(at));
        self.zip()?.start_file(name, options).map_err(Error::internal)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.zip()?.write_all(bytes).map_err(Error::internal)
    }

    fn zip(&mut self) -> Result<&mut ZipWriter<StreamWriter<Outlet>>> {
        self.zip.as_mut().ok_or_else(|| Error::internal("the archive is closed"))
    }
}

fn no_files_yet() -> Stage {
    Stage::Files { after: Some(0), waiting: VecDeque::new(), open: None }
}

/// As an archive tells time: without a zone, even seconds, from 1980 on.
fn date(at: Micros) -> DateTime {
    let at = moment(at);
    let year = u16::try_from(at.year()).unwrap_or(1980);
    DateTime::from_date_and_time(year, at.month().into(), at.day(), at.hour(), at.minute(), at.second())
        .unwrap_or_default()
}
