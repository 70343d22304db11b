//! What features bring along, by type: base code holds it without knowing what it is.

use std::{
    any::{Any, TypeId, type_name},
    collections::HashMap,
    sync::Arc,
};

/// Values by their type, one of each. Cheap to clone.
#[derive(Clone, Default)]
pub struct Slots(HashMap<TypeId, (&'static str, Arc<dyn Any + Send + Sync>)>);

impl Slots {
    /// Puts a value in, in place of one of the same type.
    #[must_use]
    pub fn with<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.put(value);
        self
    }

    /// Puts a value in, in place of one of the same type.
    pub fn put<T: Send + Sync + 'static>(&mut self, value: T) {
        self.0.insert(TypeId::of::<T>(), (type_name::<T>(), Arc::new(value)));
    }

    /// The value of a type, where one was put in.
    pub fn get<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.0.get(&TypeId::of::<T>()).and_then(|(_, value)| value.downcast_ref())
    }
}

impl std::fmt::Debug for Slots {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.values().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_type_and_replaced() {
        let slots = Slots::default().with(1_u8).with("one").with(2_u8);
        assert_eq!((slots.get::<u8>(), slots.get::<&str>()), (Some(&2), Some(&"one")));
        assert!(slots.get::<i8>().is_none());
        assert!(format!("{slots:?}").contains("u8"));
    }
}
