//! A plain table: a heading, columns as wide as their widest cell, numbers to the right.

use std::fmt;

/// Cells in rows; the first row is the heading.
#[derive(Clone, Debug, Default)]
pub struct Table(Vec<Vec<String>>);

impl Table {
    /// A table with these headings.
    pub fn new<T: Into<String>>(heads: impl IntoIterator<Item = T>) -> Self {
        Self(vec![heads.into_iter().map(Into::into).collect()])
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.0.push(cells.into_iter().collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or_default();
        let width =
            |column: usize| self.0.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
        for row in &self.0 {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let blanks = " ".repeat(width - cell.chars().count());
                let numeric = cell.starts_with(|first: char| first.is_ascii_digit() || first == '–');
                line.push_str(&if numeric { blanks + cell } else { cell.clone() + &blanks });
                line.push_str("  ");
            }
            writeln!(f, "  {}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_numbers_stand_to_the_right() {
        let mut table = Table::new(["server", "µs"]);
        table.row(["a".into(), "7".into()]);
        table.row(["a longer one".into(), "11.5".into()]);
        assert_eq!(table.to_string(), "  server        µs\n  a                7\n  a longer one  11.5\n");
    }
}
