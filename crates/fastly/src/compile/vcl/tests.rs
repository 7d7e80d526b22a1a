use super::sets_backend;

#[test]
fn an_assignment_of_the_backend_is_found_on_its_line() {
    let table = [
        ("set req.backend = F_a;", Some(1)),
        ("sub vcl_recv {\n#FASTLY recv\n  if (req.http.X) { set  req.backend=F_a; }\n}", Some(3)),
        ("set\n  req.backend\n = F_a;", Some(1)),
        ("set req.http.X = \"1\";", None),
        ("# set req.backend = F_a;\n// set req.backend = F_a;\n/* set req.backend\n = F_a; */", None),
        ("log \"set req.backend = F_a\";", None),
        ("synthetic {\"\nset req.backend = F_a;\n\"};\nset req.backend = F_b;", Some(4)),
        ("if (req.backend == F_a) { unset req.http.X; }", None),
        ("set req.backend.x = F_a;", None),
        ("reset req.backend = F_a;", None),
        ("\"é\" set req.backend = F_a", Some(1)),
        ("\"open\nset req.backend = F_a;", Some(2)),
    ];
    for (content, expected) in table {
        assert_eq!(sets_backend(content), expected, "{content}");
    }
}
