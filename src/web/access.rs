//! Proofs as parameters: holding one means that the question was asked and answered. A handler that takes a
//! [`InRoom`] has nothing left to check and nothing to forget.

use crate::app::App;
use crate::chatroom::Member;
use crate::error::Error;
use crate::id::{GoalId, MessageId, RoomId, UserId};
use crate::live::rights;
use crate::message;
use crate::user::User;
use crate::web::asking::Asking;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

impl FromRequestParts<App> for Asking {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Error> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Error::internal("the layer that identifies is missing"))
    }
}

/// Somebody is signed in.
#[derive(Debug, Clone)]
pub struct CurrentUser(pub User);

impl FromRequestParts<App> for CurrentUser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let asking = Asking::from_request_parts(parts, app).await?;
        asking.session().map(|session| Self(session.user.clone())).ok_or(Error::Unauthenticated)
    }
}

/// The person who is signed in manages the site.
#[derive(Debug, Clone)]
pub struct SiteAdmin(pub User);

impl FromRequestParts<App> for SiteAdmin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let CurrentUser(user) = CurrentUser::from_request_parts(parts, app).await?;
        // As with rooms: who may not know of it is told that it is not there.
        if user.is_site_admin { Ok(Self(user)) } else { Err(Error::NotFound) }
    }
}

/// The goal that the path names; whether it exists is for the model to say.
#[derive(Debug, Clone, Copy)]
pub struct GoalPath(pub GoalId);

impl FromRequestParts<App> for GoalPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        number(parts, app, "id").await.map(|id| Self(GoalId(id)))
    }
}

/// The goal and the person that the path names.
#[derive(Debug, Clone, Copy)]
pub struct ParticipationPath(pub GoalId, pub UserId);

impl FromRequestParts<App> for ParticipationPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let goal = number(parts, app, "id").await?;
        let user = number(parts, app, "user").await?;
        Ok(Self(GoalId(goal), UserId(user)))
    }
}

/// The path is a link that we wrote into a letter: whose letters it stops, whoever follows it.
#[derive(Debug, Clone)]
pub struct StopLink {
    /// Whose letters.
    pub user: UserId,
    /// The link's end.
    pub token: String,
}

impl FromRequestParts<App> for StopLink {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Error::NotFound)?;
        let token = params.iter().find(|(key, _)| *key == "token").map(|(_, value)| value).unwrap_or_default();
        Ok(Self { user: app.postman.read_token(token)?, token: token.to_owned() })
    }
}

/// The person who asks is in the room that the path names.
#[derive(Debug, Clone)]
pub struct InRoom(pub Member);

impl FromRequestParts<App> for InRoom {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let CurrentUser(user) = CurrentUser::from_request_parts(parts, app).await?;
        let room = RoomId(number(parts, app, "id").await?);
        member(app, room, user.id).await.map(Self)
    }
}

/// The person who asks is in the room of the message that the path names.
#[derive(Debug, Clone)]
pub struct OnMessage(pub Member, pub MessageId);

impl FromRequestParts<App> for OnMessage {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let CurrentUser(user) = CurrentUser::from_request_parts(parts, app).await?;
        let id = MessageId(number(parts, app, "id").await?);
        let room = app.db.read(move |db| message::room_of(db, id)).await?.ok_or(Error::NotFound)?;
        Ok(Self(member(app, room, user.id).await?, id))
    }
}

/// The proof that a person is in a room.
///
/// # Errors
/// `NotFound` when not, or when there is no such room: the two look alike.
pub async fn member(app: &App, room: RoomId, user: UserId) -> Result<Member, Error> {
    rights::member(&app.live.members, &app.db, room, user).await?.ok_or(Error::NotFound)
}

/// A number in the path; anything else names nothing.
pub(super) async fn number(parts: &mut Parts, app: &App, name: &str) -> Result<i64, Error> {
    let params = RawPathParams::from_request_parts(parts, app).await.map_err(|_| Error::NotFound)?;
    let text = params.iter().find(|(key, _)| *key == name).map(|(_, value)| value).unwrap_or_default();
    text.parse().ok().filter(|id: &i64| *id > 0).ok_or(Error::NotFound)
}
