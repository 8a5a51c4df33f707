//! A pool of the model checker's threads in the place of rayon's, as far as the engine uses it.
//!
//! It asks less of the order of tasks than rayon's does: any task that waits may be the next, on any worker. Its callers
//! sleep while they wait, where a worker of rayon's would do other work; nested runs are for `tests/pools.rs`.

pub(crate) mod thread {
    //! The checker's threads, with the standard builder's way to start them in a scope.

    use std::io;
    use std::sync::Arc;

    use shuttle::sync::atomic::{AtomicBool, Ordering};
    use shuttle::thread::park;
    pub(crate) use shuttle::thread::{Scope, ScopedJoinHandle};

    /// The checker's scope with a thread that outlives `run`. Without it the checker (0.9.9) takes the end of the last thread
    /// for the end of the scope, and wakes a caller that still waits in `run` for something else.
    pub(crate) fn scope<'env, T>(
        run: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> T,
    ) -> T {
        shuttle::thread::scope(|threads| {
            let over = Arc::new(AtomicBool::new(false));
            let seen = Arc::clone(&over);
            let last = threads.spawn(move || {
                while !seen.load(Ordering::Relaxed) {
                    park();
                }
            });
            let result = run(threads);
            over.store(true, Ordering::Relaxed);
            last.thread().unpark();
            result
        })
    }

    pub(crate) struct Builder;

    impl Builder {
        pub(crate) fn new() -> Self {
            Self
        }

        pub(crate) fn name(self, _: String) -> Self {
            self
        }

        pub(crate) fn spawn_scoped<'scope, T: Send + 'scope>(
            self,
            scope: &'scope Scope<'scope, '_>,
            run: impl FnOnce() -> T + Send + 'scope,
        ) -> io::Result<ScopedJoinHandle<'scope, T>> {
            Ok(scope.spawn(run))
        }
    }
}

pub(crate) mod pool {
    //! What the engine uses of rayon.

    use std::cell::Cell;
    use std::fmt;

    use super::thread::scope as threads_of;
    use shuttle::rand::{Rng, thread_rng};
    use shuttle::sync::{Condvar, Mutex};

    pub(crate) use rayon::{ThreadPoolBuildError, Yield};

    type Job<'scope> = Box<dyn FnOnce(&Scope<'scope>) + Send + 'scope>;

    pub(crate) struct Scope<'scope> {
        jobs: Mutex<Jobs<'scope>>,
        changed: Condvar,
    }

    struct Jobs<'scope> {
        waiting: Vec<Job<'scope>>,
        /// Those that wait or run, and the root.
        open: usize,
    }

    shuttle::thread_local! {
        static INDEX: Cell<Option<usize>> = Cell::new(None);
    }

    impl<'scope> Scope<'scope> {
        fn new() -> Self {
            Self {
                jobs: Mutex::new(Jobs {
                    waiting: Vec::new(),
                    open: 1,
                }),
                changed: Condvar::new(),
            }
        }

        pub(crate) fn spawn(&self, job: impl FnOnce(&Self) + Send + 'scope) {
            let mut jobs = self.jobs.lock().unwrap();
            jobs.open += 1;
            jobs.waiting.push(Box::new(job));
            drop(jobs);
            self.changed.notify_one();
        }

        fn work(&self) {
            let mut jobs = self.jobs.lock().unwrap();
            while jobs.open > 0 {
                if jobs.waiting.is_empty() {
                    jobs = self.changed.wait(jobs).unwrap();
                    continue;
                }
                let next = thread_rng().gen_range(0..jobs.waiting.len());
                let job = jobs.waiting.swap_remove(next);
                drop(jobs);
                job(self);
                self.ended();
                jobs = self.jobs.lock().unwrap();
            }
        }

        fn ended(&self) {
            let mut jobs = self.jobs.lock().unwrap();
            jobs.open -= 1;
            let last = jobs.open == 0;
            drop(jobs);
            if last {
                self.changed.notify_all();
            }
        }

        /// Runs `root` here, and other jobs on `workers`.
        fn run(root: impl FnOnce(&Self), workers: std::ops::Range<usize>, helps: bool) {
            let scope = Self::new();
            threads_of(|threads| {
                for index in workers {
                    let scope = &scope;
                    threads.spawn(move || {
                        INDEX.with(|own| own.set(Some(index)));
                        scope.work();
                    });
                }
                root(&scope);
                scope.ended();
                if helps {
                    scope.work();
                }
            });
        }
    }

    pub struct ThreadPool {
        threads: usize,
    }

    impl ThreadPool {
        pub(crate) fn current_num_threads(&self) -> usize {
            self.threads
        }

        pub(crate) fn scope<'scope>(&self, root: impl FnOnce(&Scope<'scope>) + Send) {
            let outside = INDEX.with(|own| own.replace(Some(0)));
            Scope::run(root, 1..self.threads, true);
            INDEX.with(|own| own.set(outside));
        }

        pub(crate) fn in_place_scope<'scope>(&self, root: impl FnOnce(&Scope<'scope>)) {
            Scope::run(root, 0..self.threads, false);
        }

        pub(crate) fn install<R: Send>(&self, run: impl FnOnce() -> R + Send) -> R {
            let worker = || {
                INDEX.with(|own| own.set(Some(0)));
                run()
            };
            threads_of(|threads| threads.spawn(worker).join().unwrap())
        }
    }

    impl fmt::Debug for ThreadPool {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("ThreadPool").finish_non_exhaustive()
        }
    }

    pub(crate) struct ThreadPoolBuilder {
        threads: usize,
    }

    impl ThreadPoolBuilder {
        pub(crate) fn new() -> Self {
            Self { threads: 1 }
        }

        pub(crate) fn num_threads(self, threads: usize) -> Self {
            Self { threads }
        }

        pub(crate) fn thread_name(self, _: impl FnMut(usize) -> String) -> Self {
            self
        }

        pub(crate) fn build(self) -> Result<ThreadPool, ThreadPoolBuildError> {
            Ok(ThreadPool {
                threads: self.threads,
            })
        }
    }

    /// The surrounding pool, which is one of two threads.
    const SURROUNDING: ThreadPool = ThreadPool { threads: 2 };

    pub(crate) fn current_num_threads() -> usize {
        SURROUNDING.threads
    }

    pub(crate) fn current_thread_index() -> Option<usize> {
        INDEX.with(Cell::get)
    }

    pub(crate) fn scope<'scope>(root: impl FnOnce(&Scope<'scope>) + Send) {
        SURROUNDING.scope(root);
    }

    pub(crate) fn in_place_scope<'scope>(root: impl FnOnce(&Scope<'scope>)) {
        SURROUNDING.in_place_scope(root);
    }

    pub(crate) fn yield_now() -> Option<Yield> {
        shuttle::thread::yield_now();
        None
    }
}
