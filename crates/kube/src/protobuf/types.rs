//! The fields of the known types.

/// What a field holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Type {
    Text,
    Texts,
    Integer,
    Boolean,
    TextMap,
    BytesMap,
    /// A point in time, to the microsecond.
    MicroTime,
    Message(&'static [Field]),
    Messages(&'static [Field]),
}

/// A field of a message, and its name in JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) number: u64,
    pub(super) name: &'static str,
    pub(super) kind: Type,
}

const fn field(number: u64, name: &'static str, kind: Type) -> Field {
    Field { number, name, kind }
}

pub(super) const TYPE_META: &[Field] = &[field(1, "apiVersion", Type::Text), field(2, "kind", Type::Text)];

const OWNER: &[Field] = &[
    field(1, "kind", Type::Text),
    field(3, "name", Type::Text),
    field(4, "uid", Type::Text),
    field(5, "apiVersion", Type::Text),
    field(6, "controller", Type::Boolean),
    field(7, "blockOwnerDeletion", Type::Boolean),
];

const OBJECT_META: &[Field] = &[
    field(1, "name", Type::Text),
    field(2, "generateName", Type::Text),
    field(3, "namespace", Type::Text),
    field(5, "uid", Type::Text),
    field(6, "resourceVersion", Type::Text),
    field(11, "labels", Type::TextMap),
    field(12, "annotations", Type::TextMap),
    field(13, "ownerReferences", Type::Messages(OWNER)),
    field(14, "finalizers", Type::Texts),
];

const METADATA: Field = field(1, "metadata", Type::Message(OBJECT_META));

const NAMESPACE: &[Field] = &[
    METADATA,
    field(2, "spec", Type::Message(&[field(1, "finalizers", Type::Texts)])),
    field(3, "status", Type::Message(&[field(1, "phase", Type::Text)])),
];

const SECRET: &[Field] = &[
    METADATA,
    field(2, "data", Type::BytesMap),
    field(3, "type", Type::Text),
    field(4, "stringData", Type::TextMap),
    field(5, "immutable", Type::Boolean),
];

const CONFIG_MAP: &[Field] = &[
    METADATA,
    field(2, "data", Type::TextMap),
    field(3, "binaryData", Type::BytesMap),
    field(4, "immutable", Type::Boolean),
];

const LEASE: &[Field] = &[
    METADATA,
    field(
        2,
        "spec",
        Type::Message(&[
            field(1, "holderIdentity", Type::Text),
            field(2, "leaseDurationSeconds", Type::Integer),
            field(3, "acquireTime", Type::MicroTime),
            field(4, "renewTime", Type::MicroTime),
            field(5, "leaseTransitions", Type::Integer),
            field(6, "strategy", Type::Text),
            field(7, "preferredHolder", Type::Text),
        ]),
    ),
];

const REFERENCE: &[Field] = &[
    field(1, "kind", Type::Text),
    field(2, "namespace", Type::Text),
    field(3, "name", Type::Text),
    field(4, "uid", Type::Text),
    field(5, "apiVersion", Type::Text),
    field(6, "resourceVersion", Type::Text),
    field(7, "fieldPath", Type::Text),
];

const EVENT_SOURCE: &[Field] = &[field(1, "component", Type::Text), field(2, "host", Type::Text)];

const EVENT_SERIES: &[Field] = &[field(1, "count", Type::Integer), field(2, "lastObservedTime", Type::MicroTime)];

const EVENT: &[Field] = &[
    METADATA,
    field(2, "involvedObject", Type::Message(REFERENCE)),
    field(3, "reason", Type::Text),
    field(4, "message", Type::Text),
    field(5, "source", Type::Message(EVENT_SOURCE)),
    field(6, "firstTimestamp", Type::MicroTime),
    field(7, "lastTimestamp", Type::MicroTime),
    field(8, "count", Type::Integer),
    field(9, "type", Type::Text),
    field(10, "eventTime", Type::MicroTime),
    field(11, "series", Type::Message(EVENT_SERIES)),
    field(12, "action", Type::Text),
    field(13, "related", Type::Message(REFERENCE)),
    field(14, "reportingComponent", Type::Text),
    field(15, "reportingInstance", Type::Text),
];

const EVENT_OF_GROUP: &[Field] = &[
    METADATA,
    field(2, "eventTime", Type::MicroTime),
    field(3, "series", Type::Message(EVENT_SERIES)),
    field(4, "reportingController", Type::Text),
    field(5, "reportingInstance", Type::Text),
    field(6, "action", Type::Text),
    field(7, "reason", Type::Text),
    field(8, "regarding", Type::Message(REFERENCE)),
    field(9, "related", Type::Message(REFERENCE)),
    field(10, "note", Type::Text),
    field(11, "type", Type::Text),
    field(12, "deprecatedSource", Type::Message(EVENT_SOURCE)),
    field(13, "deprecatedFirstTimestamp", Type::MicroTime),
    field(14, "deprecatedLastTimestamp", Type::MicroTime),
    field(15, "deprecatedCount", Type::Integer),
];

const DELETE_OPTIONS: &[Field] = &[
    field(1, "gracePeriodSeconds", Type::Integer),
    field(2, "preconditions", Type::Message(&[field(1, "uid", Type::Text), field(2, "resourceVersion", Type::Text)])),
    field(3, "orphanDependents", Type::Boolean),
    field(4, "propagationPolicy", Type::Text),
    field(5, "dryRun", Type::Texts),
    field(6, "ignoreStoreReadErrorWithClusterBreakingPotential", Type::Boolean),
];

const RESOURCE_ATTRIBUTES: &[Field] = &[
    field(1, "namespace", Type::Text),
    field(2, "verb", Type::Text),
    field(3, "group", Type::Text),
    field(4, "version", Type::Text),
    field(5, "resource", Type::Text),
    field(6, "subresource", Type::Text),
    field(7, "name", Type::Text),
];

const ACCESS_REVIEW: &[Field] = &[
    METADATA,
    field(
        2,
        "spec",
        Type::Message(&[
            field(1, "resourceAttributes", Type::Message(RESOURCE_ATTRIBUTES)),
            field(2, "nonResourceAttributes", Type::Message(PATH_ATTRIBUTES)),
        ]),
    ),
];

const PATH_ATTRIBUTES: &[Field] = &[field(1, "path", Type::Text), field(2, "verb", Type::Text)];

const SUBJECT_ACCESS_REVIEW: &[Field] = &[
    METADATA,
    field(
        2,
        "spec",
        Type::Message(&[
            field(1, "resourceAttributes", Type::Message(RESOURCE_ATTRIBUTES)),
            field(2, "nonResourceAttributes", Type::Message(PATH_ATTRIBUTES)),
            field(3, "user", Type::Text),
            field(4, "groups", Type::Texts),
            field(6, "uid", Type::Text),
        ]),
    ),
];

const TOKEN_REVIEW: &[Field] =
    &[METADATA, field(2, "spec", Type::Message(&[field(1, "token", Type::Text), field(2, "audiences", Type::Texts)]))];

const RULES_REVIEW: &[Field] = &[METADATA, field(2, "spec", Type::Message(&[field(1, "namespace", Type::Text)]))];

const SUBJECT_REVIEW: &[Field] = &[METADATA];

/// The fields of a type.
pub(super) fn of(api_version: &str, kind: &str) -> Option<&'static [Field]> {
    match (api_version, kind) {
        ("v1", "Namespace") => Some(NAMESPACE),
        ("v1", "Secret") => Some(SECRET),
        ("v1", "ConfigMap") => Some(CONFIG_MAP),
        ("coordination.k8s.io/v1", "Lease") => Some(LEASE),
        ("v1", "Event") => Some(EVENT),
        ("events.k8s.io/v1", "Event") => Some(EVENT_OF_GROUP),
        (_, "DeleteOptions") => Some(DELETE_OPTIONS),
        ("authorization.k8s.io/v1", "SelfSubjectAccessReview") => Some(ACCESS_REVIEW),
        ("authorization.k8s.io/v1", "SelfSubjectRulesReview") => Some(RULES_REVIEW),
        ("authorization.k8s.io/v1", "SubjectAccessReview" | "LocalSubjectAccessReview") => Some(SUBJECT_ACCESS_REVIEW),
        ("authentication.k8s.io/v1", "TokenReview") => Some(TOKEN_REVIEW),
        ("authentication.k8s.io/v1", "SelfSubjectReview") => Some(SUBJECT_REVIEW),
        _ => None,
    }
}
