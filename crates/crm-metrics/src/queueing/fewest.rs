//! The search for the fewest servers that meet a target.

/// The model with the fewest servers that `serves`, which must hold for all greater numbers once it holds for one, or none
/// when [`u32::MAX`] are too few.
pub(crate) fn fewest_servers<M, E>(
    build: impl Fn(u32) -> Result<M, E>,
    serves: impl Fn(&M) -> bool,
) -> Result<Option<M>, E> {
    let (mut low, mut high) = (0_u32, 1_u32);
    let mut best = loop {
        let model = build(high)?;
        if serves(&model) {
            break model;
        }
        if high == u32::MAX {
            return Ok(None);
        }
        low = high;
        high = high.saturating_mul(2);
    };
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let model = build(middle)?;
        if serves(&model) {
            (best, high) = (model, middle);
        } else {
            low = middle;
        }
    }
    Ok(Some(best))
}
