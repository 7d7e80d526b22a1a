//! Which members of a document are kept: lists of dotted paths, made into trees once.

/// Members to keep; everything else is dropped. Paths go through objects alone: a path that leads on from anything else keeps
/// nothing, and an object that is left with nothing because of it goes as well. Of a path and a longer one that starts with it,
/// the one that is listed later counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow(Tree);

/// Members to drop, and all below them. Paths go through objects alone; an object that is left empty stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deny(Tree);

/// Names, in the order of their bytes, and what is below each; nothing below a name is the end of a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree(Vec<(Box<[u8]>, Option<Tree>)>);

/// What of a value is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Keep<'a> {
    All,
    Only(&'a Tree),
    Except(&'a Tree),
}

/// What of a member is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Member<'a> {
    /// Nothing, and nothing of another member of that name either.
    Dropped,
    /// The value, or what of it is kept if it is an object.
    Kept(Keep<'a>),
    /// What of it is kept if it is an object; nothing if it is anything else, or if nothing is left of it.
    Within(Keep<'a>),
}

// === impl Allow ===

impl Allow {
    /// The members at `paths`, whose names are joined with dots.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut tree = Tree::default();
        for path in paths {
            tree.allow(&mut path.split('.'));
        }
        Self(tree)
    }

    pub(crate) fn keep(&self) -> Keep<'_> {
        Keep::Only(&self.0)
    }
}

// === impl Deny ===

impl Deny {
    /// The members at `paths`, whose names are joined with dots.
    pub fn new<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut tree = Tree::default();
        for path in paths {
            tree.deny(&mut path.split('.'));
        }
        Self(tree)
    }

    pub(crate) fn keep(&self) -> Keep<'_> {
        if self.0.0.is_empty() { Keep::All } else { Keep::Except(&self.0) }
    }
}

// === impl Tree ===

impl Tree {
    fn position(&self, name: &[u8]) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| (**known).cmp(name))
    }

    fn find(&self, name: &[u8]) -> Option<&Option<Self>> {
        self.position(name).ok().and_then(|at| self.0.get(at)).map(|(_, below)| below)
    }

    /// What is below `name`, which is added with what `fresh` makes if it is not there.
    fn entry(&mut self, name: &str, fresh: impl FnOnce() -> Option<Self>) -> Option<&mut Option<Self>> {
        let at = match self.position(name.as_bytes()) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (name.as_bytes().into(), fresh()));
                at
            }
        };
        self.0.get_mut(at).map(|(_, below)| below)
    }

    fn allow<'a>(&mut self, names: &mut impl Iterator<Item = &'a str>) {
        let mut names = names.peekable();
        let mut tree = self;
        while let Some(name) = names.next() {
            let last = names.peek().is_none();
            let Some(below) = tree.entry(name, || None) else { return };
            if last {
                *below = None;
                return;
            }
            tree = below.get_or_insert_default();
        }
    }

    fn deny<'a>(&mut self, names: &mut impl Iterator<Item = &'a str>) {
        let mut names = names.peekable();
        let mut tree = self;
        while let Some(name) = names.next() {
            let last = names.peek().is_none();
            let Some(below) = tree.entry(name, || if last { None } else { Some(Self::default()) }) else { return };
            if last {
                *below = None;
                return;
            }
            // All of it goes already: a path below it adds nothing.
            let Some(next) = below else { return };
            tree = next;
        }
    }
}

// === impl Keep ===

impl<'a> Keep<'a> {
    /// What is kept of the member `name` of an object.
    pub(crate) fn member(self, name: &[u8]) -> Member<'a> {
        match self {
            Self::All => Member::Kept(Self::All),
            Self::Only(tree) => match tree.find(name) {
                None => Member::Dropped,
                Some(None) => Member::Kept(Self::All),
                Some(Some(below)) => Member::Within(Self::Only(below)),
            },
            Self::Except(tree) => match tree.find(name) {
                None => Member::Kept(Self::All),
                Some(None) => Member::Dropped,
                Some(Some(below)) => Member::Kept(Self::Except(below)),
            },
        }
    }
}
