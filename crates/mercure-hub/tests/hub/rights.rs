//! Private updates: who sees them, by token and by the application's word.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use mercure_hub::{Authorizer, BoxFuture, HubConfig, Update};
use serde_json::json;
use tokio::sync::{Notify, Semaphore};

use crate::client::{Server, bearer, config, open_config, reader};

/// An application that lets people into rooms, and that can be made to think for a while.
pub struct Rooms {
    members: Mutex<HashSet<(String, String)>>,
    pub questions: Mutex<Vec<(String, Vec<String>)>>,
    pub asked: Notify,
    pub pace: Semaphore,
}

impl Rooms {
    pub fn new(members: &[(&str, &str)]) -> Arc<Self> {
        let members = members.iter().map(|(person, room)| (person.to_string(), room.to_string())).collect();
        let (questions, asked, pace) = (Mutex::default(), Notify::new(), Semaphore::new(1_000));
        Arc::new(Self { members: Mutex::new(members), questions, asked, pace })
    }

    pub fn enter(&self, person: &str, room: &str) {
        self.members.lock().unwrap().insert((person.into(), room.into()));
    }

    pub fn leave(&self, person: &str, room: &str) {
        self.members.lock().unwrap().remove(&(person.into(), room.into()));
    }

    /// From now on each question waits for a permit.
    pub fn think(&self) {
        self.pace.forget_permits(1_000);
    }
}

impl Authorizer for Rooms {
    fn may_read<'a>(&'a self, subject: &'a str, topics: &'a [String]) -> BoxFuture<'a, Vec<bool>> {
        self.questions.lock().unwrap().push((subject.to_owned(), topics.to_vec()));
        let is_member = |room: &String| self.members.lock().unwrap().contains(&(subject.to_owned(), room.clone()));
        let answers = topics.iter().map(is_member).collect();
        Box::pin(async move {
            self.asked.notify_one();
            self.pace.acquire().await.unwrap().forget();
            answers
        })
    }
}

pub fn with_rooms(rooms: &Arc<Rooms>, config: HubConfig) -> HubConfig {
    let authorizer: Arc<dyn Authorizer> = rooms.clone();
    HubConfig { authorizer: Some(authorizer), ..config }
}

// H 3, H 78
#[tokio::test]
async fn a_private_update_needs_a_grant_for_one_of_its_topics() {
    let server = Server::start(open_config()).await;
    let mut granted = server.sse("topic=a", &bearer(&reader("1", &["a"]))).await;
    let mut by_other_topic = server.sse("topic=a", &bearer(&reader("2", &["b"]))).await;
    let mut everything = server.sse("topic=*", &bearer(&reader("3", &["*"]))).await;
    let mut stranger = server.sse("topic=*&topic=a", &bearer(&reader("4", &["c"]))).await;
    let mut anonymous = server.sse("topic=a", "").await;
    server.now_private("a", "1");
    server.hub.publish(Update::new("a", "2").unwrap().alternate("b").unwrap().private()).unwrap();
    server.now("a", "3");
    for (stream, expected) in [
        (&mut granted, vec!["1", "2", "3"]),
        (&mut by_other_topic, vec!["2", "3"]),
        (&mut everything, vec!["1", "2", "3"]),
        (&mut stranger, vec!["3"]),
        (&mut anonymous, vec!["3"]),
    ] {
        for data in expected {
            assert_eq!(stream.data().await, data);
        }
    }
}

// H 23, H 78
#[tokio::test]
async fn a_matcher_routes_and_does_not_grant() {
    let server = Server::start(config()).await;
    let token = bearer(&reader("1", &["b"]));
    let mut sse = server.sse("topic=a", &token).await;
    server.now_private("b", "not asked for");
    server.now_private("a", "not granted");
    server.now("a", "public");
    assert_eq!(sse.data().await, "public");
}

#[tokio::test]
async fn the_application_decides_about_what_the_token_does_not_grant() {
    let rooms = Rooms::new(&[("3", "room/1")]);
    let server = Server::start(with_rooms(&rooms, config())).await;
    let token = bearer(&reader("3", &["user/3"]));
    let mut sse = server.sse("topic=room/1&topic=room/2&topic=user/3&topic=*", &token).await;
    let mut questions = std::mem::take(&mut *rooms.questions.lock().unwrap());
    questions[0].1.sort();
    assert_eq!(questions, [("3".to_owned(), vec!["room/1".to_owned(), "room/2".to_owned()])]);
    server.now_private("room/2", "of others");
    server.now_private("room/1", "of mine");
    server.now_private("user/3", "for me");
    assert_eq!((sse.data().await, sse.data().await), ("of mine".into(), "for me".into()));
}

// H 3, H 51
#[tokio::test]
async fn without_a_person_nobody_is_asked() {
    let rooms = Rooms::new(&[("", "room/1")]);
    let server = Server::start(with_rooms(&rooms, open_config())).await;
    let mut sse = server.sse("topic=room/1", "").await;
    server.now_private("room/1", "secret");
    server.now("room/1", "public");
    assert_eq!(sse.data().await, "public");
    assert!(rooms.questions.lock().unwrap().is_empty());
}

#[tokio::test]
async fn who_is_let_in_subscribes_anew() {
    let rooms = Rooms::new(&[]);
    let server = Server::start(with_rooms(&rooms, config())).await;
    let mut socket = server.socket("topic=room/1&heartbeat=1", &bearer(&reader("3", &[]))).await;
    assert_eq!(socket.json().await["type"], "heartbeat");
    server.now_private("room/1", "before");
    rooms.enter("3", "room/1");
    socket.say(json!({"subscribe": ["room/1"]})).await;
    assert_eq!(socket.json().await["type"], "heartbeat", "the subscription stands");
    server.now_private("room/1", "after");
    assert_eq!(socket.data().await, "after");
    rooms.leave("3", "room/1");
    socket.say(json!({"subscribe": ["room/1"]})).await;
    assert_eq!(socket.json().await["type"], "heartbeat");
    server.now_private("room/1", "shut out");
    server.now("room/1", "public");
    assert_eq!(socket.data().await, "public");
}
