//! Whether the people there are suffice for the approvals that are wanted.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

/// Whether one person may decide in several stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Twice {
    /// Each once.
    No,
    /// Also in several.
    Yes,
}

/// The first stage whose approvals cannot all be given, if there is one. Of each stage: who may decide it, and
/// how many have to.
pub fn unfilled(stages: &[(Vec<Uuid>, usize)], twice: Twice) -> Option<usize> {
    // Each approval is a seat; people are moved between seats until all are taken or none can be.
    let mut seated: HashMap<Uuid, usize> = HashMap::new();
    let mut seats: Vec<&[Uuid]> = Vec::new();
    for (n, (people, needed)) in stages.iter().enumerate() {
        if people.len() < *needed {
            return Some(n);
        }
        if twice == Twice::Yes {
            continue;
        }
        for _ in 0..*needed {
            seats.push(people);
            if !seat(seats.len() - 1, &seats, &mut seated, &mut HashSet::new()) {
                return Some(n);
            }
        }
    }
    None
}

fn seat(n: usize, seats: &[&[Uuid]], seated: &mut HashMap<Uuid, usize>, tried: &mut HashSet<Uuid>) -> bool {
    for person in seats[n] {
        if !tried.insert(*person) {
            continue;
        }
        let free = match seated.get(person).copied() {
            None => true,
            Some(other) => seat(other, seats, seated, tried),
        };
        if free {
            seated.insert(*person, n);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seat_needs_a_person_of_its_own() {
        let (x, y) = (Uuid::now_v7(), Uuid::now_v7());
        // X is moved to the second stage, where Y does not fit.
        assert_eq!(unfilled(&[(vec![x, y], 1), (vec![x], 1)], Twice::No), None);
        assert_eq!(unfilled(&[(vec![x], 1), (vec![x], 1)], Twice::No), Some(1));
        assert_eq!(unfilled(&[(vec![x], 1), (vec![x], 1)], Twice::Yes), None);
        assert_eq!(unfilled(&[(vec![x], 2)], Twice::Yes), Some(0));
        assert_eq!(unfilled(&[(vec![x, y], 2), (vec![], 1)], Twice::No), Some(1));
    }
}
