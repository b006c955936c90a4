//! Bytes: what one person and everybody may store, and what must stay free on the disk.

use super::{refused, strict, strict_with};
use crate::files::{sends, sends_as, stored};
use crate::message::{id, two};
use reqwest::StatusCode;

const KB: usize = 1_024;

/// S9: 2,000 MB in twelve seconds by one account, and no end.
#[tokio::test]
async fn s9_bytes_of_a_day_are_counted_and_survive_a_restart() {
    let town = strict("upload-day=100kB").await;
    let (mut alice, bob, goal) = two(&town).await;
    let file = vec![b'x'; 60 * KB];
    let change = sends(&alice, &goal, "", &[("a.txt", &file)]).await;
    let second = sends_as(&alice, &goal, "second", "", &[("b.txt", &file)]).await;
    let seconds = refused(&second, "over the day's bytes");
    assert_eq!(seconds, 12 * 3_600 + 1, "until midnight, UTC");
    assert!(second.text.contains("13 heures"), "{}", second.text);
    assert_eq!(stored(&town).len(), 1, "what was refused leaves nothing");
    sends(&bob, &goal, "", &[("b.txt", &file)]).await;
    sends(&alice, &goal, "", &[("c.txt", &file[..40 * KB])]).await;
    alice.post(&format!("/message/{}/delete", id(&change)), &[]).await;
    let full = sends_as(&alice, &goal, "third", "", &[("d.txt", b"x")]).await;
    refused(&full, "a deletion gives no day back");
    alice.says(&goal, "un texte va toujours").await;
    let town = town.restart().await;
    alice.moves_to(&town);
    refused(&sends_as(&alice, &goal, "third", "", &[("d.txt", b"x")]).await, "after a restart");
    town.pass(seconds);
    assert_eq!(sends_as(&alice, &goal, "third", "", &[("d.txt", &file)]).await.status, StatusCode::CREATED);
    // The same nonce again is the same message: it counts once.
    assert_eq!(sends_as(&alice, &goal, "third", "", &[("d.txt", &file)]).await.status, StatusCode::OK);
    assert_eq!(sends_as(&alice, &goal, "fourth", "", &[("e.txt", &file[..40 * KB])]).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn s9_bytes_in_total_are_counted_and_given_back() {
    let town = strict("upload-total=100kB storage=150kB").await;
    let (alice, bob, goal) = two(&town).await;
    let file = vec![b'x'; 60 * KB];
    let first = sends(&alice, &goal, "", &[("a.txt", &file)]).await;
    let full = sends_as(&alice, &goal, "second", "", &[("b.txt", &file)]).await;
    assert_eq!(full.status, StatusCode::INSUFFICIENT_STORAGE, "{}", full.text);
    assert_eq!(full.json()["error"]["code"], "full");
    assert!(full.text.contains("Vos fichiers ont atteint"), "{}", full.text);
    sends(&bob, &goal, "", &[("b.txt", &file)]).await;
    let over = sends_as(&bob, &goal, "over", "", &[("c.txt", &file[..35 * KB])]).await;
    assert_eq!(over.status, StatusCode::INSUFFICIENT_STORAGE);
    assert!(over.text.contains("Ce site ne garde plus"), "{}", over.text);
    // An admin's deletion gives its author's bytes back, and deleting twice gives them back once.
    for _ in 0..2 {
        assert_eq!(alice.post(&format!("/message/{}/delete", id(&first)), &[]).await.status, StatusCode::OK);
    }
    assert_eq!(sends_as(&alice, &goal, "second", "", &[("b.txt", &file)]).await.status, StatusCode::CREATED);
    let full = sends_as(&alice, &goal, "third", "", &[("c.txt", &file)]).await;
    assert_eq!(full.status, StatusCode::INSUFFICIENT_STORAGE);
}

/// The disk is the database's too.
#[tokio::test]
async fn s9_a_floor_of_the_disk_stays_free() {
    let town = strict_with("disk-floor=1000000TB", &[]).await;
    let (alice, _, goal) = two(&town).await;
    let answer = sends_as(&alice, &goal, "n", "avec un fichier", &[("a.txt", b"x")]).await;
    assert_eq!(answer.status, StatusCode::INSUFFICIENT_STORAGE, "{}", answer.text);
    assert!(answer.text.contains("Le disque de ce site est presque plein"), "{}", answer.text);
    assert_eq!(stored(&town).len(), 0);
    alice.says(&goal, "sans fichier").await;
    let english = alice.post("/preferences", &[("locale", "en")]).await;
    assert_eq!(english.status, StatusCode::OK);
    let answer = sends_as(&alice, &goal, "n", "", &[("a.txt", b"x")]).await;
    assert!(answer.text.contains("The disk of this site is almost full"), "{}", answer.text);
}
