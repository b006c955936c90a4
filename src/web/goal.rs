//! Goals and who takes part in them.

pub mod edit;
pub mod list;

use crate::app::App;
use crate::budget::Budget;
use crate::chatroom::people::{self, LISTED};
use crate::chatroom::{MemberState, Role};
use crate::clock::Micros;
use crate::db::{Lane, Writer};
use crate::error::{Error, Fields, Result, Text};
use crate::goal::participation::{self, Decider, Outcome, Owner};
use crate::goal::{self as model, Goal, GoalForm, Standing};
use crate::id::{GoalId, UserId};
use crate::message::system::What;
use crate::view::context::{
    GoalFormView, GoalNew, GoalShow, GoalView, May, MemberView, PeopleList, RequestView, mark_alike,
};
use crate::web::access::{CurrentUser, GoalPath, ParticipationPath};
use crate::web::asking::Asking;
use crate::web::form::Form;
use crate::web::reply;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

/// GET `/goal/new`.
pub async fn new(State(app): State<App>, asking: Asking, _: CurrentUser) -> Result<Response> {
    show_form(&app, &asking, StatusCode::OK, GoalFormView::default(), &Fields::default())
}

/// POST `/goal/new`: `title`, `description`, `start_date`, `end_date`.
pub async fn create(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    form: Form,
) -> Result<Response> {
    let typed = GoalForm {
        title: form.owned("title"),
        description: form.owned("description"),
        start_date: form.owned("start_date"),
        end_date: form.owned("end_date"),
        history: form.owned("history"),
    };
    match typed.checked() {
        Ok(typed) => found(&app, &asking, user.id, typed).await,
        Err(Error::Invalid(fields)) if !asking.wants_json() => {
            let shown = GoalFormView {
                title: form.owned("title"),
                description: form.owned("description"),
                start_date: form.owned("start_date"),
                end_date: form.owned("end_date"),
                history: form.owned("history"),
            };
            show_form(&app, &asking, StatusCode::UNPROCESSABLE_ENTITY, shown, &fields)
        }
        Err(error) => Err(error),
    }
}

async fn found(app: &App, asking: &Asking, owner: UserId, form: GoalForm) -> Result<Response> {
    let (live, now) = (app.live.clone(), app.clock.now());
    let most = app.budgets.most(Budget::Owned).unwrap_or(u64::MAX);
    let goal = app
        .db
        .write(Lane::None, move |tx| -> Result<Goal> {
            model::check_owned(tx, owner, most)?;
            let founded = model::create(tx, owner, &form, now)?;
            live.announce_member(tx, founded.member)?;
            model::find(tx, founded.goal, Some(owner))
        })
        .await?;
    let location = format!("/message/chatroom/{}?notice=goal-created", goal.chatroom);
    reply::done(asking, StatusCode::CREATED, &json!({ "goal": GoalView::from(goal) }), &location)
}

/// GET `/goal/{id}`: for everybody its title, description and count; its people for members.
pub async fn show(
    State(app): State<App>,
    asking: Asking,
    GoalPath(id): GoalPath,
    RawQuery(query): RawQuery,
) -> Result<Response> {
    let viewer = asking.user();
    let form = Form::from_query(query.as_deref().unwrap_or_default())?;
    let asked = people::Query::new(form.text("q"), form.text("after"))?;
    let (goal, people, requests) = app
        .db
        .read(move |db| -> Result<_> {
            let goal = model::find(db, id, viewer)?;
            let may = May::of(goal.my);
            let people =
                if may.read { people::page(db, goal.chatroom, &asked, LISTED)? } else { people::Page::default() };
            let requests = if may.decide { participation::requests(db, id)? } else { Vec::new() };
            Ok((goal, people, requests))
        })
        .await?;
    let mut members: Vec<MemberView> = people.members.into_iter().map(MemberView::from).collect();
    let mut requests: Vec<RequestView> = requests.into_iter().map(RequestView::from).collect();
    mark_alike(&mut members, &mut requests);
    let context = GoalShow {
        page: asking.page(&app),
        my: goal.my.map_or("none", Standing::as_str),
        may: May::of(goal.my),
        goal: GoalView::from(goal),
        people: PeopleList::new(form.text("q"), form.has("after"), id, people.next),
        members,
        requests,
    };
    if asking.wants_json() {
        let GoalShow { goal, members, requests, people, .. } = &context;
        let body = json!({ "goal": goal, "members": members, "next": people.next, "requests": requests });
        return reply::json(StatusCode::OK, &body);
    }
    reply::page(&app, StatusCode::OK, "goal/show.html", &context)
}

/// POST `/goal/{id}/join`.
pub async fn join(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    GoalPath(id): GoalPath,
) -> Result<Response> {
    let now = app.clock.now();
    let act = move |tx: &mut Writer<'_>| participation::join(tx, id, user.id, now);
    change(&app, &asking, id, user.id, Deed::Asked, act).await
}

/// POST `/goal/{id}/leave`.
pub async fn leave(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(user): CurrentUser,
    GoalPath(id): GoalPath,
) -> Result<Response> {
    let now = app.clock.now();
    let act = move |tx: &mut Writer<'_>| participation::leave(tx, id, user.id, now);
    change(&app, &asking, id, user.id, Deed::Left, act).await
}

/// POST `/goal/{id}/participation/{user}/approve`.
pub async fn approve(
    State(app): State<App>,
    asking: Asking,
    by: CurrentUser,
    path: ParticipationPath,
) -> Result<Response> {
    decide(&app, &asking, by, path, Deed::Approved, participation::approve).await
}

/// POST `/goal/{id}/participation/{user}/refuse`.
pub async fn refuse(
    State(app): State<App>,
    asking: Asking,
    by: CurrentUser,
    path: ParticipationPath,
) -> Result<Response> {
    decide(&app, &asking, by, path, Deed::Refused, participation::refuse).await
}

/// POST `/goal/{id}/participation/{user}/remove`.
pub async fn remove(
    State(app): State<App>,
    asking: Asking,
    by: CurrentUser,
    path: ParticipationPath,
) -> Result<Response> {
    let deed = Deed::Removed(by.0.id);
    decide(&app, &asking, by, path, deed, participation::remove).await
}

/// Does what a decider does to somebody, with the proof that it is one.
async fn decide(
    app: &App,
    asking: &Asking,
    CurrentUser(by): CurrentUser,
    ParticipationPath(id, user): ParticipationPath,
    deed: Deed,
    verb: fn(&mut Writer<'_>, &Decider, UserId, Micros) -> Result<Outcome>,
) -> Result<Response> {
    let now = app.clock.now();
    let act = move |tx: &mut Writer<'_>| {
        let by = Decider::of(tx, id, by.id)?;
        verb(tx, &by, user, now)
    };
    change(app, asking, id, user, deed, act).await
}

/// POST `/goal/{id}/participation/{user}/role`: `role`; `owner` hands the goal over.
pub async fn role(
    State(app): State<App>,
    asking: Asking,
    CurrentUser(by): CurrentUser,
    ParticipationPath(id, user): ParticipationPath,
    form: Form,
) -> Result<Response> {
    let now = app.clock.now();
    let role = Role::parse(form.text("role")).ok_or_else(|| Error::field("role", Text::new("field-role")));
    let deed = if matches!(role, Ok(Role::Owner)) { Deed::HandedOver } else { Deed::RoleChanged };
    let mut role = Some(role);
    let act = move |tx: &mut Writer<'_>| {
        let by = Owner::of(tx, id, by.id)?;
        let wanted = match role.take() {
            Some(Ok(wanted)) => wanted,
            Some(Err(error)) => return Err(error),
            None => return Err(Error::Unavailable),
        };
        role = Some(Ok(wanted));
        participation::change_role(tx, &by, user, wanted, now)
    };
    change(&app, &asking, id, user, deed, act).await
}

/// What was done to somebody's participation.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Asked,
    Left,
    Approved,
    Refused,
    /// By whom.
    Removed(UserId),
    RoleChanged,
    HandedOver,
}

impl Deed {
    /// What the next page says of it.
    fn notice(self) -> &'static str {
        match self {
            Self::Asked => "joined-asked",
            Self::Left => "left",
            Self::Approved => "approved",
            Self::Refused => "refused",
            Self::Removed(_) => "removed",
            Self::RoleChanged => "role-changed",
            Self::HandedOver => "handed-over",
        }
    }

    /// What the rooms say of it, and who did it.
    fn told<'a>(self, member: &MemberState, name: &'a str) -> Option<(What<'a>, UserId)> {
        match self {
            Self::Approved => Some((What::Joined, member.user.id)),
            Self::Left => Some((What::Left, member.user.id)),
            Self::Removed(by) => Some((What::Removed(name), by)),
            Self::Asked | Self::Refused | Self::RoleChanged | Self::HandedOver => None,
        }
    }
}

/// Does one act on somebody's participation and tells everybody concerned; answers what that person now is.
async fn change(
    app: &App,
    asking: &Asking,
    goal: GoalId,
    user: UserId,
    deed: Deed,
    mut act: impl FnMut(&mut Writer<'_>) -> Result<Outcome> + Send + 'static,
) -> Result<Response> {
    let (live, now) = (app.live.clone(), app.clock.now());
    let standing = app
        .db
        .write(Lane::None, move |tx| -> Result<Option<Standing>> {
            let outcome = act(tx)?;
            let members = outcome.members.clone();
            live.announce_outcome(tx, outcome)?;
            for member in &members {
                let name = member.user.full();
                if let Some((what, actor)) = deed.told(member, &name) {
                    live.tell(tx, member.room, what, actor, now)?;
                }
            }
            participation::standing(tx, goal, user)
        })
        .await?;
    let (role, status) = match standing {
        Some(Standing::Approved(role)) => (Some(role), Some("approved")),
        Some(Standing::Pending) => (Some(Role::Member), Some("pending")),
        None => (None, None),
    };
    let body = json!({ "participation": { "user_id": user, "role": role, "status": status } });
    reply::done(asking, StatusCode::OK, &body, &format!("/goal/{goal}?notice={}", deed.notice()))
}

fn show_form(app: &App, asking: &Asking, status: StatusCode, form: GoalFormView, fields: &Fields) -> Result<Response> {
    let context = GoalNew { page: asking.page(app), form, errors: reply::errors(fields, asking.locale()) };
    reply::page(app, status, "goal/new.html", &context)
}
