//! Finding what overlaps a resource without looking at the rest.

use super::HashMap;
use super::state::{Thing, remove_from};
use leasehold_core::Resource;
use leasehold_core::resource::PathPattern;

/// What is on one resource, sorted. Short, or loaded as a whole anyway, so inserting in the middle
/// does not matter.
type Things = Vec<Thing>;

/// Everything by the resources it is on.
#[derive(Debug, Default)]
pub(super) struct Resources {
    flat: HashMap<Resource, Things>,
    relative: Tree,
    absolute: Tree,
}

impl Resources {
    pub(super) fn insert(&mut self, resource: &Resource, thing: Thing) {
        match resource.as_path() {
            None => insert_sorted(self.flat.entry(resource.clone()).or_default(), thing),
            Some(path) => {
                self.tree_mut(path)
                    .insert(names(path.literal_prefix()), resource, thing);
            }
        }
    }

    pub(super) fn remove(&mut self, resource: &Resource, thing: Thing) {
        if let Some(path) = resource.as_path() {
            self.tree_mut(path)
                .remove(names(path.literal_prefix()), resource, thing);
        } else {
            remove_from(&mut self.flat, resource, &thing);
        }
    }

    /// Adds what overlaps a resource; with several claims on it, several times.
    pub(super) fn find(&self, resource: &Resource, found: &mut Vec<Thing>) {
        match resource.as_path() {
            None => found.extend(self.flat.get(resource).into_iter().flatten()),
            Some(path) => {
                let tree = if path.is_absolute() {
                    &self.absolute
                } else {
                    &self.relative
                };
                tree.find(path.literal_prefix(), resource, found);
            }
        }
    }

    fn tree_mut(&mut self, path: &PathPattern) -> &mut Tree {
        if path.is_absolute() {
            &mut self.absolute
        } else {
            &mut self.relative
        }
    }
}

/// One directory of the paths that something is on: a path or glob is kept where its literal prefix
/// ends. Two of them overlap only where one prefix is the other or is above it.
#[derive(Debug, Default)]
struct Tree {
    here: Vec<(Resource, Things)>,
    below: HashMap<Box<str>, Box<Tree>>,
}

impl Tree {
    fn insert<'a>(
        &mut self,
        mut names: impl Iterator<Item = &'a str>,
        resource: &Resource,
        thing: Thing,
    ) {
        if let Some(name) = names.next() {
            if !self.below.contains_key(name) {
                self.below.insert(name.into(), Box::default());
            }
            let child = self
                .below
                .get_mut(name)
                .expect("it was there, or put there just now");
            return child.insert(names, resource, thing);
        }
        match self.here.binary_search_by(|(other, _)| other.cmp(resource)) {
            Ok(place) => insert_sorted(&mut self.here[place].1, thing),
            Err(place) => self.here.insert(place, (resource.clone(), vec![thing])),
        }
    }

    /// Returns whether nothing is left in here.
    fn remove<'a>(
        &mut self,
        mut names: impl Iterator<Item = &'a str>,
        resource: &Resource,
        thing: Thing,
    ) -> bool {
        if let Some(name) = names.next() {
            let child = self.below.get_mut(name);
            if child.is_some_and(|child| child.remove(names, resource, thing)) {
                self.below.remove(name);
            }
        } else if let Ok(place) = self.here.binary_search_by(|(other, _)| other.cmp(resource)) {
            remove_sorted(&mut self.here[place].1, &thing);
            if self.here[place].1.is_empty() {
                self.here.remove(place);
            }
        }
        self.here.is_empty() && self.below.is_empty()
    }

    /// Looks on the way down to the prefix, and at all that is below it.
    fn find(&self, prefix: &str, resource: &Resource, found: &mut Vec<Thing>) {
        let mut tree = self;
        for name in names(prefix) {
            tree.find_here(resource, found);
            let Some(child) = tree.below.get(name) else {
                return;
            };
            tree = child;
        }
        tree.find_below(resource, found);
    }

    fn find_here(&self, resource: &Resource, found: &mut Vec<Thing>) {
        for (other, things) in &self.here {
            if other.overlaps(resource) {
                found.extend(things);
            }
        }
    }

    /// As deep as paths are ([`PathPattern::SEGMENTS_MAX`](leasehold_core::resource::PathPattern)).
    fn find_below(&self, resource: &Resource, found: &mut Vec<Thing>) {
        self.find_here(resource, found);
        self.below
            .values()
            .for_each(|tree| tree.find_below(resource, found));
    }
}

/// Returns the names of a literal prefix, the two roots being two trees.
fn names(prefix: &str) -> impl Iterator<Item = &str> {
    prefix.split('/').filter(|name| !name.is_empty())
}

pub(super) fn insert_sorted<T: Ord>(items: &mut Vec<T>, item: T) {
    if let Err(place) = items.binary_search(&item) {
        items.insert(place, item);
    }
}

pub(super) fn remove_sorted<T: Ord>(items: &mut Vec<T>, item: &T) {
    if let Ok(place) = items.binary_search(item) {
        items.remove(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn found_is_what_overlaps() {
        let texts = [
            "build",
            "issue:build",
            "path:.",
            "path:/",
            "path:a",
            "path:a/b",
            "path:a/b/c",
            "path:a-b",
            "path:a/b-c",
            "path:a.b/c",
            "path:ab",
            "path:/a",
            "path:/a/b",
            "path:a/*/c",
            "path:**/c",
            "path:a/b/c/d/e",
            "path:a/b/c!/d",
            "path:a/b/c0",
            "path:*",
            "path:a/b*",
            "path:/a/*",
        ];
        let all: Vec<Resource> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let thing = |place: usize| Thing::Ticket(place as u64);
        for left_out in 0..=all.len() {
            let mut resources = Resources::default();
            all.iter()
                .enumerate()
                .for_each(|(place, r)| resources.insert(r, thing(place)));
            let there = |place: &usize| *place != left_out;
            if let Some(resource) = all.get(left_out) {
                resources.remove(resource, thing(left_out));
            }
            for asked in &all {
                let mut found = Vec::new();
                resources.find(asked, &mut found);
                found.sort();
                let overlap = (0..all.len())
                    .filter(there)
                    .filter(|at| all[*at].overlaps(asked));
                assert_eq!(
                    found,
                    overlap.map(thing).collect::<Vec<_>>(),
                    "{asked} of {left_out}"
                );
            }
        }
    }
}
