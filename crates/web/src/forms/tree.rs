//! The tree of data classes beside a table, open to read and to take from.

/// One key of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeNode {
    /// The whole dotted key.
    pub key: String,
    /// What people read.
    pub name: String,
    /// Its sensitivity.
    pub sensitivity: String,
    /// Bars shown for it.
    pub level: u8,
    /// Whether keys stand below it.
    pub branch: bool,
    /// Branches that end before it.
    pub closes: usize,
    /// Whether it is open at first: only the roots are.
    pub open: bool,
}

/// The tree of one field.
#[derive(Debug)]
pub struct Tree {
    /// The field that it stands beside.
    pub field: &'static str,
    /// Its keys, each before what is below it.
    pub nodes: Vec<TreeNode>,
    /// Branches that end after the last.
    pub ends: usize,
}

/// A tree in its order from (key, name, sensitivity, level) in any order.
pub fn tree(field: &'static str, mut all: Vec<(String, String, String, u8)>) -> Tree {
    all.sort_by(|a, b| a.0.split('.').cmp(b.0.split('.')));
    let mut path: Vec<String> = Vec::new();
    let mut nodes: Vec<TreeNode> = Vec::new();
    for (n, (key, name, sensitivity, level)) in all.iter().enumerate() {
        let before = path.len();
        path.retain(|branch| key.starts_with(&format!("{branch}.")));
        let closes = before - path.len();
        let branch = all.get(n + 1).is_some_and(|(next, ..)| next.starts_with(&format!("{key}.")));
        let open = path.is_empty();
        if branch {
            path.push(key.clone());
        }
        let (key, name, sensitivity) = (key.clone(), name.clone(), sensitivity.clone());
        nodes.push(TreeNode { key, name, sensitivity, level: *level, branch, closes, open });
    }
    Tree { field, nodes, ends: path.len() }
}

#[cfg(test)]
mod tests {
    use super::tree;

    #[test]
    fn branches_open_and_close_where_their_keys_do() {
        let keys = ["user.name", "system", "user", "user.contact.email", "user.contact", "system_x"];
        let all = keys.iter().map(|key| ((*key).to_owned(), String::new(), String::new(), 1)).collect();
        let tree = tree("data_flows", all);
        assert_eq!(tree.ends, 1);
        let shape: Vec<(String, bool, usize)> =
            tree.nodes.into_iter().map(|node| (node.key, node.branch, node.closes)).collect();
        let expected = [
            ("system", false, 0),
            ("system_x", false, 0),
            ("user", true, 0),
            ("user.contact", true, 0),
            ("user.contact.email", false, 0),
            ("user.name", false, 1),
        ];
        assert_eq!(shape, expected.map(|(key, branch, closes)| (key.to_owned(), branch, closes)));
    }
}
