//! Changing a goal and ending it.

use crate::app::App;
use crate::db::Lane;
use crate::error::{Error, Fields, Result, Text};
use crate::goal::edit::{self as model, Edit, EditForm, Edited};
use crate::goal::participation::{Decider, Owner};
use crate::goal::{self, Goal, GoalForm, Standing};
use crate::id::{GoalId, UserId};
use crate::message::system::What;
use crate::text;
use crate::view::context::{GoalEdit, GoalView, May};
use crate::web::access::{CurrentUser, GoalPath};
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::reply;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// GET `/goal/{id}/edit`: for those who may.
pub async fn show(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    GoalPath(id): GoalPath,
) -> Result<Response> {
    let goal = find(&app, id, user.id).await?;
    let form = EditForm::of(&goal);
    show_form(&app, &asking, StatusCode::OK, goal, form, &Fields::default())
}

/// POST `/goal/{id}/edit`: `title`, `description`, `start_date`, `end_date`, `history`, `status`, `progress`; what does not come
/// stays as it is.
pub async fn edit(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    GoalPath(id): GoalPath,
    form: Form,
) -> Result<Response> {
    let goal = find(&app, id, user.id).await?;
    let typed = typed(&form, EditForm::of(&goal));
    match typed.clone().checked() {
        Ok(edit) => change(&app, &asking, id, user.id, edit).await,
        Err(Error::Invalid(fields)) if !asking.wants_json() => {
            show_form(&app, &asking, StatusCode::UNPROCESSABLE_ENTITY, goal, typed, &fields)
        }
        Err(error) => Err(error),
    }
}

fn typed(form: &Form, present: EditForm) -> EditForm {
    let or = |name: &str, present: String| if form.has(name) { form.owned(name) } else { present };
    EditForm {
        goal: GoalForm {
            title: or("title", present.goal.title),
            description: or("description", present.goal.description),
            start_date: or("start_date", present.goal.start_date),
            end_date: or("end_date", present.goal.end_date),
            history: or("history", present.goal.history),
        },
        status: or("status", present.status),
        progress: or("progress", present.progress),
    }
}

async fn change(app: &App, asking: &Asking, id: GoalId, user: UserId, edit: Edit) -> Result<Response> {
    let (live, now) = (app.live.clone(), app.clock.now());
    let goal = app
        .db
        .write(Lane::None, move |tx| -> Result<Goal> {
            let by = Decider::of(tx, id, user)?;
            let Edited { goal, renamed, is_done } = model::edit(tx, &by, &edit)?;
            if let Some(room) = renamed {
                live.announce_room(tx, room, 0)?;
                live.tell(tx, goal.chatroom, What::TitleChanged(&goal.title), user, now)?;
            }
            if is_done {
                live.tell(tx, goal.chatroom, What::GoalDone, user, now)?;
            }
            Ok(goal)
        })
        .await?;
    reply::done(
        asking,
        StatusCode::OK,
        &json!({ "goal": GoalView::from(goal) }),
        &format!("/goal/{id}?notice=goal-edited"),
    )
}

/// POST `/goal/{id}/delete`: `confirm`, which is its title; a program may leave it out.
pub async fn delete(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    GoalPath(id): GoalPath,
    form: Form,
) -> Result<Response> {
    let typed = (!asking.wants_json() || form.has("confirm")).then(|| form.owned("confirm"));
    let (live, now) = (app.live.clone(), app.clock.now());
    let result = app
        .db
        .write(Lane::None, move |tx| -> Result<()> {
            let by = Owner::of(tx, id, user.id)?;
            if typed.as_ref().is_some_and(|typed| text::line(typed) != text::line(&by.goal().title)) {
                return Err(Error::field("confirm", Text::new("field-confirm")));
            }
            for room in model::delete(tx, &by, now)? {
                live.announce_deleted(tx, room)?;
            }
            Ok(())
        })
        .await;
    match result {
        Err(Error::Invalid(fields)) if !asking.wants_json() => {
            let goal = find(&app, id, user.id).await?;
            let form = EditForm::of(&goal);
            show_form(&app, &asking, StatusCode::UNPROCESSABLE_ENTITY, goal, form, &fields)
        }
        result => {
            result?;
            reply::done(&asking, StatusCode::OK, &json!({ "goal": id, "deleted": true }), "/goals?notice=goal-deleted")
        }
    }
}

/// The goal of somebody who may change it.
async fn find(app: &App, id: GoalId, user: UserId) -> Result<Goal> {
    let goal = app.db.read(move |db| goal::find(db, id, Some(user))).await?;
    match goal.my {
        Some(Standing::Approved(role)) if role.may_moderate() => Ok(goal),
        Some(Standing::Approved(_)) => Err(Error::Forbidden(Text::new("error-forbidden"))),
        Some(Standing::Pending) | None => Err(Error::NotFound),
    }
}

fn show_form(
    app: &App,
    asking: &Asking,
    status: StatusCode,
    goal: Goal,
    form: EditForm,
    fields: &Fields,
) -> Result<Response> {
    if asking.wants_json() {
        return reply::json(status, &json!({ "goal": GoalView::from(goal) }));
    }
    let context = GoalEdit {
        page: asking.page(app),
        may: May::of(goal.my),
        goal: GoalView::from(goal),
        form: form.into(),
        errors: reply::errors(fields, asking.locale()),
    };
    reply::page(app, status, "goal/edit.html", &context)
}
