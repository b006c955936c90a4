//! Connections: what comes before a stream on the same one, what layers around the hub add, and how each connection ends.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    http::{HeaderValue, StatusCode},
    middleware::map_response,
    response::{IntoResponse, Response},
    routing::get,
};
use hyper_util::service::TowerToHyperService;
use mercure_hub::{ConnectionOptions, Hub, serve_connection, serve_stream};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use crate::client::{PATH, Server, open_config, until, within};

fn subscribe(topic: &str) -> String {
    format!("GET {PATH}?topic={topic} HTTP/1.1\r\nHost: hub.test\r\n\r\n")
}

/// Reads until these bytes have come.
async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    within(async {
        while !read.ends_with(end.as_bytes()) {
            assert!(stream.read_buf(&mut read).await.unwrap() > 0, "{:?}", String::from_utf8_lossy(&read));
        }
    })
    .await;
    String::from_utf8(read).unwrap()
}

/// One connection, served by the hub's own function. Its sockets hold little.
async fn connect(router: Router) -> (TcpStream, oneshot::Sender<()>, JoinHandle<Result<(), hyper::Error>>) {
    let sockets = [TcpSocket::new_v4().unwrap(), TcpSocket::new_v4().unwrap()];
    for socket in &sockets {
        socket.set_send_buffer_size(4_096).unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
    }
    let [listener, client] = sockets;
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = listener.listen(1).unwrap();
    let client = client.connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let serving = tokio::spawn(async move {
        let options = ConnectionOptions::default();
        let service = TowerToHyperService::new(router);
        serve_connection(server, service, &options, async { drop(stopped.await) }).await
    });
    (client, stop, serving)
}

// H 6, H 10
#[tokio::test]
async fn a_stream_may_be_asked_for_after_other_requests_at_once() {
    let server = Server::start(open_config()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let requests = [subscribe("a%00"), "GET /nothing HTTP/1.1\r\nHost: hub.test\r\n\r\n".into(), subscribe("a")];
    stream.write_all(requests.concat().as_bytes()).await.unwrap();
    let heads = read_until(&mut stream, "2\r\n:\n\r\n").await;
    let statuses: Vec<_> = heads.split("HTTP/1.1 ").skip(1).map(|head| &head[..3]).collect();
    assert_eq!(statuses, ["400", "404", "200"]);
    server.now("a", "x");
    read_until(&mut stream, "data: x\n\n\r\n").await;
    // What a client says to an event stream is of no interest, and does no harm.
    stream.write_all(subscribe("b").as_bytes()).await.unwrap();
    server.now("b", "not asked for");
    server.now("a", "y");
    assert!(!read_until(&mut stream, "data: y\n\n\r\n").await.contains("not asked for"));
}

// H 80
#[tokio::test]
async fn a_stream_that_is_ended_ends_its_body() {
    let server = Server::start(open_config()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(subscribe("a").as_bytes()).await.unwrap();
    read_until(&mut stream, "2\r\n:\n\r\n").await;
    server.hub.recall();
    read_until(&mut stream, "\r\n0\r\n\r\n").await;
}

// H 10, C subscribe_test
#[tokio::test]
async fn an_older_client_gets_a_stream_without_chunks() {
    let server = Server::start(open_config()).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!("GET {PATH}?topic=a HTTP/1.0\r\nHost: hub.test\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n:\n").await;
    assert!(!head.contains("chunked"), "{head}");
    server.now("a", "x");
    read_until(&mut stream, "data: x\n\n").await;
    server.hub.close().await;
    let mut rest = String::new();
    within(stream.read_to_string(&mut rest)).await.unwrap();
    assert!(rest.starts_with(": shutting down\nretry: "), "{rest}");
}

#[tokio::test]
async fn the_head_is_the_one_that_left_the_application() {
    let hub = Hub::new(open_config());
    let router = hub.router().layer(map_response(async |mut response: Response| {
        response.headers_mut().insert("x-request-id", HeaderValue::from_static("42"));
        response.headers_mut().remove("x-xss-protection");
        response
    }));
    let (mut stream, _stop, serving) = connect(router).await;
    stream.write_all(subscribe("a").as_bytes()).await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n2\r\n:\n\r\n").await;
    for line in ["x-request-id: 42", "content-type: text/event-stream", "transfer-encoding: chunked", "date: "] {
        assert_eq!(head.matches(&format!("\r\n{line}")).count(), 1, "{line}: {head}");
    }
    assert!(!head.contains("x-xss-protection") && !head.contains("content-length"), "{head}");
    within(serving).await.unwrap().expect("the connection has been handed over");
    assert_eq!(hub.subscribers(), 1);
}

#[tokio::test]
async fn a_layer_that_answers_something_else_has_the_last_word() {
    let hub = Hub::new(open_config());
    let router = hub.router().layer(map_response(async |response: Response| {
        (StatusCode::SERVICE_UNAVAILABLE, response.into_parts().0.extensions, "not today").into_response()
    }));
    let (mut stream, stop, serving) = connect(router).await;
    stream.write_all(subscribe("a").as_bytes()).await.unwrap();
    assert!(read_until(&mut stream, "not today").await.starts_with("HTTP/1.1 503"));
    until(|| hub.subscribers() == 0).await;
    stop.send(()).unwrap();
    within(serving).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_connection_is_taken_only_when_earlier_answers_are_out() {
    // More than the sockets hold, and less than the HTTP library is willing to keep while it reads on.
    const BIG: usize = 30_000;
    let hub = Hub::new(open_config());
    let big = get(async || Ok::<_, Infallible>("€".repeat(BIG / 3)));
    let (mut stream, _stop, serving) = connect(hub.router().route("/big", big)).await;
    let requests = ["GET /big HTTP/1.1\r\nHost: hub.test\r\n\r\n".into(), subscribe("a")];
    stream.write_all(requests.concat().as_bytes()).await.unwrap();
    let all = read_until(&mut stream, "2\r\n:\n\r\n").await;
    assert_eq!(all.matches('€').count() * '€'.len_utf8(), BIG);
    within(serving).await.unwrap().unwrap();
}

// H 92, C subscribe_test: shutdown
#[tokio::test]
async fn a_server_need_not_wait_for_streams_that_were_taken_over() {
    let hub = Hub::new(open_config());
    let (mut stream, stop, serving) = connect(hub.router()).await;
    stream.write_all(subscribe("a").as_bytes()).await.unwrap();
    read_until(&mut stream, "2\r\n:\n\r\n").await;
    drop(stop);
    within(serving).await.unwrap().unwrap();
    hub.publish(mercure_hub::Update::new("a", "still here").unwrap()).unwrap();
    read_until(&mut stream, "data: still here\n\n\r\n").await;
    within(hub.close()).await;
    let mut rest = String::new();
    within(stream.read_to_string(&mut rest)).await.unwrap();
    assert!(rest.contains(": shutting down\nretry: ") && rest.ends_with("\r\n0\r\n\r\n"), "{rest}");
    // An idle connection is closed by the stop itself.
    let (mut idle, stop, serving) = connect(hub.router()).await;
    drop(stop);
    within(serving).await.unwrap().unwrap();
    assert_eq!(within(idle.read(&mut [0; 1])).await.unwrap(), 0);
}

#[tokio::test]
async fn nobody_holds_a_connection_without_a_request() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let options = ConnectionOptions { head_timeout: Duration::from_millis(50), ..ConnectionOptions::default() };
    let service = TowerToHyperService::new(Hub::new(open_config()).router());
    within(serve_connection(server, service, &options, std::future::pending())).await.unwrap();
}

/// Connects with a head timeout of a moment, sends what opens the connection, and tells how long it was held.
async fn ends(first: &str, trickle: bool, may_be_taken: bool) -> Duration {
    let router = Router::new().route("/", get(async || "ok"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let options = ConnectionOptions { head_timeout: Duration::from_millis(200), ..ConnectionOptions::default() };
    let serving = tokio::spawn(async move {
        let (service, never) = (TowerToHyperService::new(router), std::future::pending());
        match may_be_taken {
            true => serve_connection(server, service, &options, never).await,
            false => serve_stream(server, service, &options, never).await,
        }
    });
    let begun = tokio::time::Instant::now();
    client.write_all(first.as_bytes()).await.unwrap();
    let trickling = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        while trickle && client.write_all(b"X").await.is_ok() {
            ticks.tick().await;
        }
        // Until the server closes.
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest).await;
    });
    within(serving).await.unwrap().unwrap();
    within(trickling).await.unwrap();
    begun.elapsed()
}

/// A head has so long from its first byte on, the first head from the beginning: neither saying nothing nor saying little at a time holds a connection.
#[tokio::test]
async fn half_a_head_is_not_waited_for() {
    let whole = "GET / HTTP/1.1\r\nHost: hub.test\r\n\r\n";
    for (first, trickle) in [
        ("", false),
        ("GET / HTTP/1.1\r\nHost: hub.test\r\n", false),
        ("GET / HTTP/1.1\r\nHost: hub.test\r\nX-Slow: ", true),
        (&format!("{whole}GET / HTTP/1.1\r\n"), false),
        (&format!("{whole}GET / HTTP/1.1\r\nX-Slow: "), true),
    ] {
        for may_be_taken in [true, false] {
            let held = ends(first, trickle, may_be_taken).await;
            assert!(held < ConnectionOptions::default().head_timeout, "{first:?} held its connection for {held:?}");
        }
    }
}
