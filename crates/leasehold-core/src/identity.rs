//! Who asks (law L16).

use alloc::sync::Arc;

/// How an owner is shown: a name and the host it works on. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner {
    /// The name, as given by flag, environment, harness or operating system.
    pub name: Arc<str>,
    /// The host.
    pub host: Arc<str>,
}

/// Who asks: a display name, and what is known of the agent behind it. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// The name that people see. Never proof of anything by itself.
    pub owner: Owner,
    /// The agent's session, where one is known.
    pub session: Option<Arc<str>>,
    /// Whether the owner was set on purpose and not taken from the operating system's user.
    pub explicit: bool,
}

/// What makes two requests those of one agent. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Agent {
    /// One session of a harness or of the API.
    Session(Arc<str>),
    /// An owner set on purpose.
    Owner(Owner),
}

impl core::fmt::Display for Owner {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}@{}", self.name, self.host)
    }
}

impl Identity {
    /// Somebody of whom only the operating system's user is known: a stranger to all others.
    #[must_use]
    pub fn nameless(name: &str, host: &str) -> Self {
        let owner = Owner {
            name: name.into(),
            host: host.into(),
        };
        Self {
            owner,
            session: None,
            explicit: false,
        }
    }

    /// Somebody with an owner name set on purpose.
    #[must_use]
    pub fn named(name: &str, host: &str) -> Self {
        Self {
            explicit: true,
            ..Self::nameless(name, host)
        }
    }

    /// The same, in a session.
    #[must_use]
    pub fn in_session(self, session: &str) -> Self {
        Self {
            session: Some(session.into()),
            ..self
        }
    }

    /// Returns the agent, or nothing for a nameless one: then only the request itself is known.
    #[must_use]
    pub fn agent(&self) -> Option<Agent> {
        match &self.session {
            Some(session) => Some(Agent::Session(session.clone())),
            None if self.explicit => Some(Agent::Owner(self.owner.clone())),
            None => None,
        }
    }

    /// Returns under which key parked places and cards are found again: the session, else the owner
    /// of any origin.
    #[must_use]
    pub fn place(&self) -> Agent {
        match &self.session {
            Some(session) => Agent::Session(session.clone()),
            None => Agent::Owner(self.owner.clone()),
        }
    }

    /// Returns whether both are the same agent. A nameless one is nobody's.
    #[must_use]
    pub fn same_agent(&self, other: &Self) -> bool {
        match (&self.session, &other.session) {
            (Some(a), Some(b)) => a == b,
            (None, None) => self.explicit && other.explicit && self.owner == other.owner,
            _ => false,
        }
    }

    /// Returns whether both find the same parked places.
    #[must_use]
    pub fn same_place(&self, other: &Self) -> bool {
        match (&self.session, &other.session) {
            (Some(a), Some(b)) => a == b,
            (None, None) => self.owner == other.owner,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nameless_requests_are_strangers_who_may_resume() {
        let (a, b) = (
            Identity::nameless("ada", "h"),
            Identity::nameless("ada", "h"),
        );
        assert_eq!(a.agent(), None);
        assert!(!a.same_agent(&b));
        assert!(a.same_place(&b));
    }

    #[test]
    fn the_session_goes_before_the_name() {
        let a = Identity::named("ada", "h").in_session("s1");
        let b = Identity::named("bob", "k").in_session("s1");
        assert!(a.same_agent(&b) && a.same_place(&b));
        assert!(!a.same_agent(&Identity::named("ada", "h")));
        assert!(Identity::named("ada", "h").same_agent(&Identity::named("ada", "h")));
    }
}
