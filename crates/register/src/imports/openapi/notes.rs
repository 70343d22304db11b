//! What a reader should know of a document that was read all the same.

/// Notes kept at most; the rest is counted.
const MOST: usize = 20;

/// Notes, each once.
#[derive(Debug, Default)]
pub struct Notes {
    kept: Vec<String>,
    more: usize,
}

impl Notes {
    /// Adds a note, unless it is there.
    pub fn add(&mut self, note: String) {
        if self.kept.contains(&note) {
            return;
        }
        if self.kept.len() < MOST { self.kept.push(note) } else { self.more += 1 }
    }

    /// The notes, with how many more there were.
    pub fn finish(mut self) -> Vec<String> {
        if self.more > 0 {
            self.kept.push(format!("And {} more.", self.more));
        }
        self.kept
    }
}
