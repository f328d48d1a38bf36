//! Names that look like the one that was asked for.

/// Most suggestions in one error.
const MAX_SUGGESTIONS: usize = 3;
/// Longest name that is compared, in bytes: the comparison is quadratic and names are the guest's to choose.
const MAX_COMPARED: usize = 64;
/// Most candidates that are looked at.
const MAX_CANDIDATES: usize = 1_000;

/// Up to three of `candidates` that differ from `name` by a third of its letters at most, best first.
pub(crate) fn near<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<String> {
    if name.len() > MAX_COMPARED {
        return Vec::new();
    }
    let allowed = (name.chars().count() / 3).max(1);
    let close = |candidate: &'a str| {
        let distance = distance(&name.to_lowercase(), &candidate.to_lowercase());
        (distance <= allowed).then_some((distance, candidate))
    };
    let comparable = candidates
        .take(MAX_CANDIDATES)
        .filter(|candidate| candidate.len() <= MAX_COMPARED);
    let mut found: Vec<_> = comparable.filter_map(close).collect();
    found.sort_unstable();
    found
        .into_iter()
        .take(MAX_SUGGESTIONS)
        .map(|(_, candidate)| candidate.to_owned())
        .collect()
}

/// Insertions, deletions and replacements from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_edit_distances() {
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("same", "same"), 0);
    }

    #[test]
    fn near_names_come_best_first_and_far_ones_not_at_all() {
        let names = ["greet", "great", "gree", "unrelated", "Greet"];
        assert_eq!(
            near("greet", names.into_iter()),
            ["Greet", "greet", "great"]
        );
        assert!(near("zzz", names.into_iter()).is_empty());
    }
}
