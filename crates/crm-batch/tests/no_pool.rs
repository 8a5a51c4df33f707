//! A small job starts no threads. This test has a process of its own, because the global pool belongs to the process.

use crm_batch::Batch;
use rayon::ThreadPoolBuilder;

#[test]
fn a_small_job_does_not_start_the_global_pool() {
    let batch = Batch::new();
    assert_eq!(batch.map(0..100, |n| n * 2)[99], 198);
    assert!(batch.try_map(0..3, Ok::<i32, ()>).is_ok());
    let start_global = || ThreadPoolBuilder::new().num_threads(1).build_global();
    assert!(start_global().is_ok(), "the global pool was there already");
    assert!(start_global().is_err());
}
