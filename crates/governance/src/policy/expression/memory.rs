//! What an expression remembers: bounded, and without a moment at which everything is forgotten.

use std::{
    collections::HashMap,
    mem,
    sync::{Mutex, PoisonError},
};

use crate::policy::vocabulary::Digest;

/// Answers of one generation; two are kept.
const GENERATION: usize = 8192;

/// Answers by what was asked. When a generation is full, the one before it is forgotten.
pub(super) struct Memory<T>(Mutex<Generations<T>>);

struct Generations<T> {
    young: HashMap<Digest, T>,
    old: HashMap<Digest, T>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        Self(Mutex::new(Generations { young: HashMap::new(), old: HashMap::new() }))
    }
}

impl<T: Clone> Memory<T> {
    /// What was answered.
    pub(super) fn get(&self, key: &Digest) -> Option<T> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.young.get(key).or_else(|| all.old.get(key)).cloned()
    }

    /// Keeps an answer.
    pub(super) fn keep(&self, key: Digest, answer: T) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.young.len() >= GENERATION {
            all.old = mem::take(&mut all.young);
        }
        all.young.insert(key, answer);
    }

    /// Forgets everything.
    #[cfg(test)]
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) =
            Generations { young: HashMap::new(), old: HashMap::new() };
    }
}

#[cfg(test)]
mod tests {
    use super::{GENERATION, Memory};
    use crate::policy::vocabulary::Keys;

    #[test]
    fn the_last_generation_is_always_known_and_no_more_than_two_are_kept() {
        let (memory, keys) = (Memory::default(), Keys::default());
        for n in 0..3 * GENERATION {
            memory.keep(keys.hash(&n), n);
            let before = n.saturating_sub(GENERATION - 1);
            assert_eq!((memory.get(&keys.hash(&n)), memory.get(&keys.hash(&before))), (Some(n), Some(before)));
        }
        let known = (0..3 * GENERATION).filter(|n| memory.get(&keys.hash(n)).is_some()).count();
        assert_eq!(known, 2 * GENERATION);
    }
}
