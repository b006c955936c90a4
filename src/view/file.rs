//! What templates say of files without a word of any language.

use minijinja::Value;

/// The room that a single picture takes in the list, in CSS pixels.
const WIDTH_MAX: i64 = 320;
const HEIGHT_MAX: i64 = 280;
/// The longest ending that is shown as one.
const ENDING_MAX: usize = 4;

/// Width and height at which a picture is shown: the place is kept before it has come.
pub(super) fn fitted(file: &Value) -> Vec<i64> {
    let number = |name: &str| file.get_attr(name).ok().and_then(|value| i64::try_from(value).ok()).unwrap_or(1).max(1);
    let (width, height) = (number("width"), number("height"));
    // Never larger than it is.
    let (mut shown, mut tall) = (width.min(WIDTH_MAX), (height * width.min(WIDTH_MAX) / width).max(1));
    if tall > HEIGHT_MAX {
        (shown, tall) = ((width * HEIGHT_MAX / height).max(1), HEIGHT_MAX);
    }
    vec![shown, tall]
}

/// A size for who runs no JavaScript: the browser writes it in its language.
pub(super) fn bytes(size: i64) -> String {
    const KILO: i64 = 1 << 10;
    const MEGA: i64 = 1 << 20;
    let tenths = (size * 10 + MEGA / 2) / MEGA;
    match size {
        ..KILO => format!("{size} B"),
        ..MEGA => format!("{} kB", (size + KILO / 2) / KILO),
        _ => format!("{}.{} MB", tenths / 10, tenths % 10),
    }
}

/// The ending of a name, as the sign on its card; empty when it has none that is short.
pub(super) fn ending(name: &str) -> String {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is_short = ending.chars().count() <= ENDING_MAX && ending.chars().all(char::is_alphanumeric);
    if is_short { ending.to_uppercase() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_keeps_its_shape() {
        let fitted = |width: i64, height: i64| super::fitted(&minijinja::context! { width, height });
        assert_eq!(fitted(100, 50), [100, 50]);
        assert_eq!(fitted(4_000, 3_000), [320, 240]);
        assert_eq!(fitted(3_000, 4_000), [210, 280]);
        assert_eq!(fitted(12_000, 10), [320, 1]);
        assert_eq!(fitted(10, 12_000), [1, 280]);
    }

    #[test]
    fn a_size_and_an_ending_are_short() {
        assert_eq!([bytes(0), bytes(999), bytes(340_499), bytes(26_214_400)], ["0 B", "999 B", "333 kB", "25.0 MB"]);
        for (name, sign) in
            [("plan.pdf", "PDF"), ("a.tar.gz", "GZ"), ("Makefile", ""), ("a.<b>", ""), ("x.numbers", "")]
        {
            assert_eq!(ending(name), sign, "{name}");
        }
    }
}
