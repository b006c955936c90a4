//! A site of a size: people, goals, rooms, messages and all that stands beside them, written by a few statements each.

use crate::harness::{Browser, Database, Goal, START, Town};
use palabre::db::{DbError, Lane, Value, Writer};
use palabre::message::search;
use palabre::{params, sql};
use std::sync::Arc;

/// How many times as large the large site is.
pub const TIMES: i64 = 20;
/// Of the small site: people, goals, messages of the large room, events of one person.
const PEOPLE: i64 = 15;
const GOALS: i64 = 10;
const MESSAGES: i64 = 200;
const EVENTS: i64 = 50;

/// A filled site, and the people who use it.
pub struct Site {
    pub database: Arc<Database>,
    pub goal: Goal,
    /// Zoe administers, Alice owns the large room, Bob and Carol and Dan are in it, Eve asks, Frank is nowhere.
    pub people: Vec<Browser>,
    /// Messages of the large room, oldest first.
    pub messages: Vec<i64>,
}

impl Site {
    /// The site with so many times the rows. `statistics` is called when there is one account.
    pub async fn fill(times: i64, statistics: impl Fn(&Database)) -> Self {
        let mut town = Town::start().await;
        let mut people = vec![town.person("Zoe").await];
        statistics(&town.database);
        for name in ["Alice", "Bob", "Carol", "Dan", "Eve", "Frank"] {
            people.push(town.person(name).await);
        }
        let [_, alice, bob, carol, dan, ..] = &people[..] else { unreachable!() };
        let goal = alice.founds("Marathon").await;
        for insider in [bob, carol, dan] {
            goal.lets_in(alice, insider).await;
        }
        alice.post(&goal.participation(bob, "role"), &[("role", "admin")]).await;
        let (alice, carol, dan) = (alice.id, carol.id, dan.id);
        let fill = move |tx: &mut Writer<'_>| -> Result<Vec<i64>, DbError> {
            let first = people_and_goals(tx, times, goal, carol)?;
            let messages = talk(tx, times, goal, alice, first)?;
            beside_messages(tx, times, goal, (carol, dan))?;
            Ok(messages)
        };
        let messages = town.app.db.write(Lane::None, fill).await.unwrap();
        while town.app.db.write(Lane::None, search::catch_up).await.unwrap() {}
        town.stop().await;
        Self { database: town.database.clone(), goal, people, messages }
    }

    /// Brings back what the last visits deleted.
    pub async fn restore(town: &Town) {
        let restore = |tx: &mut Writer<'_>| {
            tx.execute(sql!("update chatroom set state = 'active' where state = 'deleted'"), params![])
        };
        town.app.db.write(Lane::None, restore).await.unwrap();
    }
}

fn run(tx: &mut Writer<'_>, sql: palabre::db::Sql, params: &[Value<'_>]) -> Result<(), DbError> {
    tx.execute(sql, params).map(drop)
}

/// People, their sessions, goals with their rooms; everybody is in the large room. The first of the people.
fn people_and_goals(tx: &mut Writer<'_>, times: i64, goal: Goal, carol: i64) -> Result<i64, DbError> {
    let people = PEOPLE * times;
    run(
        tx,
        sql!(
            r#"
            insert into "user" (email, email_key, first_name, last_name, password_hash, locale, revision, created_at)
            with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i < $1)
            select 'p' || i || '@example.org', 'p' || i || '@example.org', 'Ali' || i, 'Petit', 'x', 'fr', 5, $2 from n
            "#
        ),
        params![people, START],
    )?;
    let first: i64 =
        tx.one(sql!(r#"select min(id) as id from "user" where password_hash = 'x'"#), params![], |row| row.get("id"))?;
    run(
        tx,
        sql!(
            r#"
            insert into session (token_hash, user_id, created_at, expires_at)
            select cast('s' || u.id as {blob}), u.id, $1, $1 + 86400000000 from "user" u where u.id >= $2
            "#
        ),
        params![START, first],
    )?;
    run(
        tx,
        sql!(
            r#"
            insert into goal (title, description, created_by, created_at, member_count)
            with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i < $1)
            select 'But ' || i, '', $2, $3, 1 from n
            "#
        ),
        params![GOALS * times, first, START],
    )?;
    run(
        tx,
        sql!(
            r#"
            insert into chatroom (kind, goal_id, title, revision, room_revision, created_at)
            select 'goal', g.id, g.title, 1, 1, $2 from goal g where g.id > $1
            "#
        ),
        params![goal.id, START],
    )?;
    run(
        tx,
        sql!(
            r#"
            insert into goal_participation (goal_id, user_id, role, status, asked_at, decided_at)
            select g.id, $1, 'owner', 'approved', $2, $2 from goal g where g.id > $3
            union all
            select $3, u.id, 'member', 'approved', $2, $2 from "user" u where u.id >= $1
            "#
        ),
        params![first, START, goal.id],
    )?;
    run(
        tx,
        sql!(
            r#"
            insert into chatroom_member (chatroom_id, user_id, role, revision, read_position, joined_at)
            select c.id, $1, 'owner', 1, 0, $2 from chatroom c where c.id > $3
            union all
            select $3, u.id, 'member', 1000 + u.id, 0, $2 from "user" u where u.id >= $1
            union all
            select c.id, $4, 'member', 2, 0, $2 from chatroom c where c.id > $3 and c.id <= $3 + 4
            "#
        ),
        params![first, START, goal.room, carol],
    )?;
    run(
        tx,
        sql!(
            r#"
            update goal
            set member_count = (select count(*) from goal_participation p where p.goal_id = goal.id and p.status = 'approved')
            "#
        ),
        params![],
    )?;
    Ok(first)
}

/// The talk: the large room's messages among those of the others, by many authors, with words of every kind of frequency.
fn talk(tx: &mut Writer<'_>, times: i64, goal: Goal, alice: i64, first: i64) -> Result<Vec<i64>, DbError> {
    let (messages, people) = (MESSAGES * times, PEOPLE * times);
    let begin = 2_000 + people * 2;
    run(
        tx,
        sql!(
            r#"
            insert into message
                (chatroom_id, author_id, content, body_html, excerpt, client_nonce, sent_hash, position, revision, created_at)
            with recursive n (i) as (select cast(1 as bigint) union all select i + 1 from n where i < $1)
            select
                case when i % 2 = 0 then $2 else $2 + 1 + i % $3 end,
                case when i % 4 = 0 then $4 else $5 + i % $6 end,
                'réunion ' || case when i % 3 = 0 then 'demain ' else 'photo ' end
                    || case when i % 50 = 0 then '東京 ' else '' end || 'numéro' || i || 'e',
                '<p>x</p>', 'x', 'fill-' || i, cast('x' as {blob}), $7 + i, $7 + i, $8 + i * 1000000
            from n
            order by i
            "#
        ),
        params![messages * 2, goal.room, GOALS * times, alice, first, people, begin, START - messages * 2 * 1_000_000],
    )?;
    run(tx, sql!("update chatroom set revision = $1 where id >= $2"), params![begin + messages * 2, goal.room])?;
    run(
        tx,
        sql!("update setting set value = (select cast(max(id) as text) from message) where name = 'search_backlog'"),
        params![],
    )?;
    tx.all(
        sql!("select id from message where chatroom_id = $1 and kind = 'text' order by position"),
        params![goal.room],
        |row| row.get("id"),
    )
}

/// What stands beside the messages of the large room, and what people were told of them.
fn beside_messages(tx: &mut Writer<'_>, times: i64, goal: Goal, (carol, dan): (i64, i64)) -> Result<(), DbError> {
    let room = goal.room;
    run(
        tx,
        sql!(
            r#"
            update message
            set pinned_at = $2
            where id in (select id from message where chatroom_id = $1 and kind = 'text' order by position limit 10)
            "#
        ),
        params![room, START],
    )?;
    run(
        tx,
        sql!(
            r#"
            insert into message_mention (message_id, user_id, chatroom_id, position)
            select m.id, $2, m.chatroom_id, m.position from message m where m.chatroom_id = $1 and m.author_id <> $2
            "#
        ),
        params![room, carol],
    )?;
    for (user, kind) in [(carol, "mention"), (dan, "reply")] {
        run(
            tx,
            sql!(
                r#"
                insert into notification (user_id, revision, kind, chatroom_id, message_id, actor_id, created_at)
                select $2, u.revision + r.place, $3, $1, r.id, r.author_id, $4 - 700000000 + r.place
                from (
                    select m.id, m.author_id, row_number() over (order by m.position) as place
                    from message m
                    where m.chatroom_id = $1 and m.author_id <> $2
                    order by m.position desc
                    limit $5
                ) r, "user" u
                where u.id = $2
                "#
            ),
            params![room, user, kind, START, EVENTS * times],
        )?;
        run(
            tx,
            sql!(
                r#"
                update "user"
                set revision = (select max(n.revision) from notification n where n.user_id = "user".id)
                where id = $1
                "#
            ),
            params![user],
        )?;
    }
    run(
        tx,
        sql!(
            r#"
            insert into message_hidden (user_id, message_id, chatroom_id)
            select $2, m.id, m.chatroom_id from message m where m.chatroom_id = $1 and m.id % 11 = 0
            "#
        ),
        params![room, dan],
    )?;
    run(
        tx,
        sql!(
            r#"
            insert into message_read_receipt (chatroom_id, user_id, position, read_at)
            select m.chatroom_id, v.user_id, m.position, m.created_at
            from message m, chatroom_member v
            where m.chatroom_id = $1 and v.chatroom_id = $1 and (m.id + v.user_id) % 40 = 0
            "#
        ),
        params![room],
    )?;
    run(
        tx,
        sql!(
            r#"
            insert into message_reaction (message_id, user_id, emoji, created_at)
            select m.id, $2, '👍', m.created_at from message m where m.chatroom_id = $1 and m.kind = 'text'
            "#
        ),
        params![room, dan],
    )?;
    run(
        tx,
        sql!(
            r#"
            insert into attachment (message_id, ordinal, kind, name, media_type, size, sha256, storage_name)
            select m.id, 0, 'file', 'devis' || m.id || '.pdf', 'application/pdf', 1, cast('x' as {blob}),
                substr('0000000000000000000000000000000000000000', 1, 40 - length('' || m.id)) || m.id
            from message m
            where m.chatroom_id = $1 and m.id % 7 = 0
            "#
        ),
        params![room],
    )?;
    run(
        tx,
        sql!(
            r#"
            insert into link_preview (url, title, description, site, fetched_at)
            select 'https://example.org/' || m.id, 'Titre', '', '', $2 from message m where m.chatroom_id = $1 and m.id % 5 = 0
            "#
        ),
        params![room, START],
    )?;
    run(
        tx,
        sql!(
            r#"
            insert into message_link (message_id, ordinal, url)
            select m.id, 0, 'https://example.org/' || m.id from message m where m.chatroom_id = $1 and m.id % 5 = 0
            "#
        ),
        params![room],
    )?;
    run(
        tx,
        sql!(
            r#"
            insert into forgotten_file (name)
            select 'f' || m.id from message m where m.chatroom_id = $1 and m.id % 6 = 0
            "#
        ),
        params![room],
    )?;
    run(
        tx,
        sql!(
            r#"
            update chatroom_member
            set seen_position = coalesce((
                select max(r.position) from message_read_receipt r where r.chatroom_id = $1 and r.user_id = chatroom_member.user_id
            ), 0)
            where chatroom_id = $1
            "#
        ),
        params![room],
    )
}
