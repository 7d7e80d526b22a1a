//! What the guides show works: their manifests are valid, and the commands marked to be run do what they say.
