//! What Symfony's publisher sends, byte for byte, and what its helpers ask.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::client::{Event, SECRET, Server, bearer, open_config, within};
use mercure_hub::{Claims, Grant, Key, mint};

/// The token of the recipe: no times, publish everything, subscribe to nothing.
fn token() -> String {
    let mercure = Grant { publish: vec!["*".into()], subscribe: Vec::new() };
    mint(&Key::hs256(SECRET), &Claims { mercure, ..Claims::default() })
}

/// Sends exactly these bytes and reads the whole answer.
async fn send(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(stream.read_to_string(&mut answer)).await.unwrap();
    answer
}

/// What the HTTP client of Symfony makes of a publication.
fn request(body: &str) -> String {
    format!(
        "POST /.well-known/mercure HTTP/1.1\r\nHost: hub.test\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Authorization: Bearer {}\r\nAccept: */*\r\nContent-Length: {}\r\nUser-Agent: Symfony HttpClient (Curl)\r\n\
         Accept-Encoding: gzip\r\nConnection: close\r\n\r\n{body}",
        token(),
        body.len()
    )
}

// H 35, H 36, H 40, H 41, H 42, H 44, H 45, H 47
#[tokio::test]
async fn a_publication_with_everything_is_answered_with_its_id() {
    let server = Server::start(open_config()).await;
    let mut sse =
        server.sse("topic=https%3A%2F%2Fexample.com%2Fusers%2F2", &bearer(&crate::client::reader("3", &["*"]))).await;
    let body = "topic=https%3A%2F%2Fexample.com%2Fbooks%2F1&topic=https%3A%2F%2Fexample.com%2Fusers%2F2\
                &data=%7B%22title%22%3A%22L%27%C3%A9t%C3%A9+%2B+%26+co.%22%7D%0A_-~&private=on&id=urn%3Auuid%3Ae1ee88e2-532a-4d6f-ba70-f0f8bd584022\
                &type=book&retry=0";
    let answer = send(&server, &request(body)).await;
    let (head, id) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.to_ascii_lowercase().contains("\r\ncontent-type: text/plain; charset=utf-8"), "{head}");
    assert_eq!(id, "urn:uuid:e1ee88e2-532a-4d6f-ba70-f0f8bd584022");
    let event = sse.event().await;
    let data = "{\"title\":\"L'été + & co.\"}\n_-~".to_owned();
    assert_eq!(event, Event { id: id.to_owned(), kind: "book".to_owned(), data, retry: Some(0) });
}

// H 35, H 40, H 43, H 47
#[tokio::test]
async fn a_publication_with_nothing_but_a_topic_gets_an_id() {
    let server = Server::start(open_config()).await;
    let mut sse = server.sse("topic=https%3A%2F%2Fexample.com%2Fbooks%2F%7Bid%7D", "").await;
    // The library always sends `data`, and nothing else that is not there.
    let answer = send(&server, &request("topic=https%3A%2F%2Fexample.com%2Fbooks%2F1&data=")).await;
    let (head, id) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(id.starts_with("urn:uuid:") && id.len() == 45, "{id}");
    assert_eq!(sse.event().await, Event { id: id.to_owned(), ..Event::default() });
}

// C topicmatcher_deprecated_test: the stream source of UX Turbo subscribes to all entities of a class.
#[tokio::test]
async fn turbo_streams_are_found_by_the_template_of_their_class() {
    let server = Server::start(open_config()).await;
    let template = "topic=https%3A%2F%2Fsymfony.com%2Fux-turbo%2FApp%255CEntity%255CBook%2F%7Bid%7D";
    let mut sse = server.sse(template, "").await;
    for class in ["App%255CEntity%255CAuthor", "App%255CEntity%255CBook"] {
        let html = "%3Cturbo-stream+action%3D%22remove%22+target%3D%22book_1%22%3E%3C%2Fturbo-stream%3E";
        let body = format!("topic=https%3A%2F%2Fsymfony.com%2Fux-turbo%2F{class}%2F1&data={html}");
        assert!(send(&server, &request(&body)).await.starts_with("HTTP/1.1 200"));
    }
    let event = sse.event().await;
    assert_eq!(event.data, "<turbo-stream action=\"remove\" target=\"book_1\"></turbo-stream>");
    server.hub.close().await;
    assert_eq!(sse.next().await, None, "the other class is another topic");
}

// H 82, C subscribe_test: `mercure()` of Twig with `lastEventId`.
#[tokio::test]
async fn the_address_that_twig_writes_continues_where_it_says() {
    let server = Server::start(open_config()).await;
    for data in ["1", "2"] {
        let update =
            mercure_hub::Update::new("https://example.com/1", data).unwrap().id(format!("urn:{data}")).unwrap();
        server.hub.publish(update).unwrap();
    }
    let mut sse = server.sse("topic=https%3A%2F%2Fexample.com%2F1&lastEventID=urn%3A1&Last-Event-ID=urn%3A1", "").await;
    assert_eq!(sse.data().await, "2");
}
