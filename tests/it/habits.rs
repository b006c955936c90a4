//! What else people and programs do, in the words of [`crate::harness`].

use crate::harness::{Answer, Browser, PASSWORD};
use reqwest::{Method, StatusCode};

impl Browser {
    /// Another browser of nobody yet, at the same server.
    pub fn another(&self) -> Self {
        Self::new(self.address)
    }

    /// Signs in with the account that [`Town::person`] opened under this name.
    pub async fn signs_in_as(&self, first_name: &str) -> Answer {
        let email = format!("{}@example.org", first_name.to_lowercase());
        self.post("/login", &[("email", &email), ("password", PASSWORD)]).await
    }

    /// The same person in a second browser.
    pub async fn second_browser(&self) -> Self {
        let mut second = self.another();
        let answer = second.signs_in_as(&self.name).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        (second.id, second.name) = (self.id, self.name.clone());
        second
    }

    /// The same person at a restarted server.
    pub fn moved_to(&self, town: &crate::harness::Town) -> Self {
        let mut moved = self.copy();
        moved.moves_to(town);
        moved
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.answer(self.request(Method::GET, path, headers, "").await).await
    }

    /// A body of any kind, for JSON.
    pub async fn post_body(&self, path: &str, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
        self.answer(self.request(Method::POST, path, &[("content-type", content_type)], body).await).await
    }
}

impl Answer {
    /// Where a redirect leads.
    pub fn location(&self) -> &str {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text);
        self.header("location")
    }

    /// The code of a JSON error.
    pub fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The sentence of a JSON error.
    pub fn message(&self) -> String {
        let message = self.json()["error"]["message"].as_str().unwrap_or_default().to_owned();
        // French sets its double signs off by spaces that do not break.
        message.replace(['\u{202f}', '\u{a0}'], " ")
    }
}
