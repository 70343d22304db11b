//! The tables that a question needs: joins only add columns, so that those which nothing mentions are left out.

/// The table and, of its joins, those whose alias an expression mentions and those they need themselves.
pub(super) fn source(from: &str, expressions: &[&str]) -> String {
    let words: Vec<&str> = from.split_whitespace().collect();
    let starts: Vec<usize> = (0..words.len())
        .filter(|&at| words[at] == "left" || (words[at] == "join" && words[at.saturating_sub(1)] != "left"))
        .collect();
    let mut kept: Vec<String> = Vec::new();
    let mut end = words.len();
    for &start in starts.iter().rev() {
        let clause = &words[start..end];
        end = start;
        let alias = clause.iter().position(|word| *word == "on").and_then(|on| clause.get(on.wrapping_sub(1)));
        let needed = alias.is_none_or(|alias| {
            expressions.iter().any(|text| mentions(text, alias)) || kept.iter().any(|later| mentions(later, alias))
        });
        if needed {
            kept.push(clause.join(" "));
        }
    }
    kept.push(words[..end].join(" "));
    kept.reverse();
    kept.join(" ")
}

/// Whether `text` has a column of `alias`.
fn mentions(text: &str, alias: &str) -> bool {
    text.match_indices(alias).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        text[at + alias.len()..].starts_with('.')
            && !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::source;

    const FROM: &str = "integrations t join systems s on s.id = t.system_id join apis a on a.id = t.api_id
        join vendors v on v.id = a.vendor_id left join teams o on o.id = t.business_owner_id";

    #[test]
    fn only_joins_that_are_mentioned_stay_with_what_they_need() {
        assert_eq!(source(FROM, &["t.state"]), "integrations t");
        assert_eq!(
            source(FROM, &["t.state", "(o.slug)"]),
            "integrations t left join teams o on o.id = t.business_owner_id"
        );
        assert_eq!(
            source(FROM, &["v.tier::text"]),
            "integrations t join apis a on a.id = t.api_id join vendors v on v.id = a.vendor_id"
        );
        assert_eq!(source(FROM, &["at.v", "has.slug"]), "integrations t");
        assert_eq!(source("vendors t", &["v.slug"]), "vendors t");
    }
}
