//! The list of goals: in pages, in three orders, with a search; the same addresses for who runs no script and for programs.

use crate::app::App;
use crate::error::{Error, Fields, Result};
use crate::goal::list::{self as model, Order, Page, Query};
use crate::id::UserId;
use crate::view::context::{GoalIndex, GoalListForm, GoalView};
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::reply;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

/// The viewer's own goals above the first page of all.
const MINE: usize = 6;

/// GET `/goals`: `q`, `order` (`activity`, `newest`, `title`), `mine`, `after`. JSON has `goals` and `next`, the value of `after` for the
/// next page.
pub async fn index(State(app): State<App>, asking: Asking, RawQuery(query): RawQuery) -> Result<Response> {
    let form = Form::from_query(query.as_deref().unwrap_or_default())?;
    let (query, faults) = match understand(&form, asking.user()) {
        Ok(query) => (if asking.wants_json() { query } else { query.of_others() }, Fields::default()),
        Err(Error::Invalid(faults)) if !asking.wants_json() => (Query::new("", "", false, "")?, faults),
        Err(error) => return Err(error),
    };
    let (viewer, wants_mine) = (asking.user(), asking.user().is_some() && query.is_first() && faults.0.is_empty());
    let order = query.order();
    let (page, mine) = app
        .db
        .read(move |db| -> Result<_> {
            let mine = Query::new("", "", true, "")?;
            let mine = if wants_mine { model::page(db, viewer, &mine)? } else { Page::default() };
            Ok((model::page(db, viewer, &query)?, mine))
        })
        .await?;
    if asking.wants_json() {
        let goals: Vec<GoalView> = page.goals.into_iter().map(GoalView::from).collect();
        return reply::json(StatusCode::OK, &json!({ "goals": goals, "next": page.next }));
    }
    let status = if faults.0.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let context =
        GoalIndex { errors: reply::errors(&faults, asking.locale()), ..shown(&app, &asking, &form, order, page, mine) };
    reply::page(&app, status, "goal/index.html", &context)
}

fn understand(form: &Form, viewer: Option<UserId>) -> Result<Query> {
    let is_mine = form.truth("mine")?.unwrap_or(false) && viewer.is_some();
    Query::new(form.text("order"), form.text("q"), is_mine, form.text("after"))
}

fn shown(app: &App, asking: &Asking, form: &Form, order: Order, page: Page, mine: Page) -> GoalIndex {
    let is_mine = matches!(form.truth("mine"), Ok(Some(true))) && asking.user().is_some();
    let address = |after: Option<&str>| {
        let fields = [
            ("q", form.text("q")),
            ("order", if order == Order::default() { "" } else { order.as_str() }),
            ("mine", if is_mine { "true" } else { "" }),
            ("after", after.unwrap_or_default()),
        ];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<String> =
            given.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))).collect();
        if query.is_empty() { "/goals".to_owned() } else { format!("/goals?{}", query.join("&")) }
    };
    let is_further = !form.text("after").is_empty();
    GoalIndex {
        page: asking.page(app),
        errors: Default::default(),
        orders: Order::ALL.map(Order::as_str),
        mine_count: if is_mine { page.count } else { mine.count },
        mine: mine.goals.into_iter().take(MINE).map(GoalView::from).collect(),
        first_url: is_further.then(|| address(None)),
        next_url: page.next.as_deref().map(|next| address(Some(next))),
        goals: page.goals.into_iter().map(GoalView::from).collect(),
        form: GoalListForm { q: form.owned("q"), order: order.as_str(), mine: is_mine },
    }
}
