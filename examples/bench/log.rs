//! The statements that Muster sent, as PostgreSQL logged them, and the pgbench script that sends the same.

/// A statement with its parameters, as PostgreSQL logged it.
pub struct Statement {
    pub backend: String,
    pub sql: String,
    pub parameters: Vec<Option<String>>,
}

/// The statements in a part of the log.
pub fn statements(log: &str) -> Vec<Statement> {
    let mut found: Vec<Statement> = Vec::new();
    let mut open: Option<String> = None;
    let starts = |line: &str| line.len() > 20 && line.as_bytes()[..4].iter().all(u8::is_ascii_digit);
    let mut backend = String::new();
    let finish = |open: &mut Option<String>, found: &mut Vec<Statement>, backend: &str| {
        if let Some(sql) = open.take() {
            found.push(Statement { backend: backend.to_owned(), sql, parameters: Vec::new() });
        }
    };
    for line in log.lines() {
        if starts(line) {
            finish(&mut open, &mut found, &backend);
            let number = line.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
            backend = number.map(|(number, _)| number.to_owned()).unwrap_or_default();
            if let Some((_, sql)) = line.split_once("LOG:  execute ") {
                open = sql.split_once(": ").map(|(_, sql)| sql.to_owned());
            } else if let Some((_, sql)) = line.split_once("LOG:  statement: ") {
                open = Some(sql.to_owned());
            } else if let Some((_, list)) = line.split_once("DETAIL:  parameters: ")
                && let Some(last) = found.last_mut()
            {
                last.parameters = parameters(list);
            }
        } else if let Some(sql) = &mut open {
            sql.push('\n');
            sql.push_str(line.trim_start_matches('\t'));
        }
    }
    finish(&mut open, &mut found, &backend);
    found
}

/// `$1 = 'a', $2 = NULL` as values.
pub fn parameters(list: &str) -> Vec<Option<String>> {
    let (mut values, mut rest) = (Vec::new(), list);
    while let Some((_, after)) = rest.split_once(" = ") {
        if let Some(after) = after.strip_prefix("NULL") {
            values.push(None);
            rest = after;
            continue;
        }
        let text = after.strip_prefix('\'').unwrap_or(after);
        let (mut value, mut chars, mut used) = (String::new(), text.char_indices().peekable(), text.len());
        while let Some((at, c)) = chars.next() {
            if c == '\'' {
                if chars.peek().is_some_and(|(_, next)| *next == '\'') {
                    chars.next();
                } else {
                    used = at + 1;
                    break;
                }
            }
            value.push(c);
        }
        values.push(Some(value));
        rest = &text[used..];
    }
    values
}

/// A pgbench script of the statements: parameters stay parameters. Values that a new record makes
/// unique are made anew in each transaction.
pub fn script(statements: &[Statement], unique: &[String]) -> (String, Vec<(String, String)>) {
    let (mut text, mut variables) = (String::new(), Vec::new());
    if !unique.is_empty() {
        text.push_str("\\set r random(1, 4611686018427387903)\n");
    }
    for (s, statement) in statements.iter().enumerate() {
        let mut sql = statement.sql.trim_end_matches(';').replace("SELECT pg_catalog.set_config", "select set_config");
        for (n, value) in statement.parameters.iter().enumerate().rev() {
            let place = format!("${}", n + 1);
            let name = format!("p{s}_{n}");
            let with = match value {
                None => "null".to_owned(),
                Some(value) => {
                    let mut expression = format!(":{name}");
                    for (k, made) in unique.iter().enumerate().filter(|(_, made)| value.contains(made.as_str())) {
                        let fresh = if made.len() == 36 {
                            format!("(lpad(to_hex(:r::bigint + {k}), 32, '0')::uuid)::text")
                        } else {
                            "(:r)::text".to_owned()
                        };
                        expression = format!("replace({expression}::text, '{made}', {fresh})");
                    }
                    if expression.starts_with("replace") {
                        typed(&expression, value)
                    } else if is_moment(value) {
                        // Where nothing else says so, PostgreSQL would take it for a text.
                        format!("({expression})::timestamptz")
                    } else {
                        expression
                    }
                }
            };
            if let Some(value) = value {
                variables.push((name, value.clone()));
            }
            sql = replace_parameter(&sql, &place, &with);
        }
        let flat: Vec<&str> = sql.lines().map(str::trim).filter(|line| !line.starts_with("--")).collect();
        text.push_str(&flat.join(" "));
        text.push_str(";\n");
    }
    (text, variables)
}

/// Whether a logged value is a moment.
pub fn is_moment(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() > 19
        && bytes[4] == b'-'
        && bytes[10] == b' '
        && bytes[13] == b':'
        && bytes[..4].iter().all(u8::is_ascii_digit)
}

/// A made text in the type of what it stands for.
pub fn typed(expression: &str, value: &str) -> String {
    if value.len() == 36 && value.matches('-').count() == 4 {
        format!("({expression})::uuid")
    } else if value.starts_with('{') || value.starts_with('[') {
        format!("({expression})::jsonb")
    } else {
        format!("({expression})")
    }
}

/// Replaces `$1` but not the beginning of `$12`.
pub fn replace_parameter(sql: &str, place: &str, with: &str) -> String {
    let (mut out, mut rest) = (String::new(), sql);
    while let Some(at) = rest.find(place) {
        let after = &rest[at + place.len()..];
        out.push_str(&rest[..at]);
        out.push_str(if after.starts_with(|c: char| c.is_ascii_digit()) { place } else { with });
        rest = after;
    }
    out + rest
}
