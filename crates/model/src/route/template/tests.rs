use super::*;

fn of(elements: &[(&str, &str)]) -> config::PathTemplate {
    let element = |(literal, variable): &(&str, &str)| config::path_template::Element {
        literal: (*literal).to_owned(),
        variable: (*variable).to_owned(),
    };
    config::PathTemplate { elements: elements.iter().map(element).collect(), refuse_encoded_values: true }
}

#[test]
fn variables_have_what_follows_the_text_of_their_element() {
    let template = template(&of(&[("users", ""), ("", "id"), ("v", "version")])).unwrap();
    let path = DecodedPath::of("/users/a%20b/v2").unwrap();
    assert_eq!(template.variables(&path).unwrap(), [("id", "a b"), ("version", "2")]);
}

#[test]
fn values_that_are_encoded_twice_are_refused_where_the_template_says_so() {
    let mut message = of(&[("", "id")]);
    let strict = template(&message).unwrap();
    message.refuse_encoded_values = false;
    let lenient = template(&message).unwrap();
    for (path, refused) in [
        ("/a", None),
        ("/a%3Fb", Some(InvalidVariable::Encoded)),
        ("/a%23b", Some(InvalidVariable::Encoded)),
        ("/a%2520b", Some(InvalidVariable::Encoded)),
        ("/a%25zz", Some(InvalidVariable::Escape("%zz".to_owned()))),
        ("/a%25", Some(InvalidVariable::Escape("%".to_owned()))),
    ] {
        let path = DecodedPath::of(path).unwrap();
        assert_eq!(strict.variables(&path).err(), refused, "{path:?}");
        assert!(lenient.variables(&path).is_ok(), "{path:?}");
    }
}

#[test]
fn paths_that_are_no_text_are_none() {
    assert_eq!(DecodedPath::of("/%ff"), None);
    assert_eq!(DecodedPath::of("/%zz"), None);
    assert_eq!(DecodedPath::of("/a%2fb").unwrap().elements().unwrap().collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn what_is_no_template_is_refused_by_its_field() {
    let refused = |message: &config::PathTemplate| template(message).unwrap_err().to_string();
    assert_eq!(refused(&of(&[])), "elements: must hold at least one element");
    assert_eq!(refused(&of(&[("a/b", "")])), "elements[0].literal: must not have a slash in it");
    let twice = refused(&of(&[("", "id"), ("x", "id")]));
    assert_eq!(twice, "elements[1].variable: \"id\" is the name of another variable");
}
