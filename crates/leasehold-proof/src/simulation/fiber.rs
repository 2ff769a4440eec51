//! Waiting requests, each on a thread of its own, of which one runs at a time.
//!
//! The real `acquire` sleeps in the middle of a call. So that a simulation decides when it goes on, it
//! runs on a worker thread that gives control back where it would sleep. Control is handed over and
//! never shared: whoever resumes a fiber waits until that pauses or ends. What happens is therefore the
//! same on every run, however the system schedules the threads.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

/// Deciding is recursive nowhere; a debug build still wants more than a page or two.
const STACK_BYTES: usize = 512 * 1024;

type Job = Box<dyn FnOnce() + Send>;

/// What a worker tells whoever resumed it.
enum Stop {
    Paused,
    Ended,
}

/// The ends of the lines that a worker keeps.
struct Lines {
    resumed: Receiver<()>,
    stops: Sender<Stop>,
}

thread_local! {
    static LINES: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

/// Workers without a job, kept because making a thread costs more than most jobs.
static IDLE: Mutex<Vec<Worker>> = Mutex::new(Vec::new());

struct Worker {
    jobs: Sender<Job>,
    resume: Sender<()>,
    stops: Receiver<Stop>,
}

impl Worker {
    fn new() -> Self {
        let (jobs, todo) = channel::<Job>();
        let (resume, resumed) = channel();
        let (stopped, stops) = channel();
        let work = move || {
            let lines = Lines {
                resumed,
                stops: stopped.clone(),
            };
            LINES.with(|own| *own.borrow_mut() = Some(lines));
            for job in todo {
                job();
                if stopped.send(Stop::Ended).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new()
            .name("simulated".into())
            .stack_size(STACK_BYTES)
            .spawn(work)
            .expect("the system has room for one more thread");
        Self {
            jobs,
            resume,
            stops,
        }
    }

    fn idle() -> std::sync::MutexGuard<'static, Vec<Self>> {
        IDLE.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job that is paused.
pub(super) struct Fiber(Worker);

impl Fiber {
    /// Runs a job until it pauses; nothing is left of one that ended. A job must not panic.
    pub(super) fn start(job: impl FnOnce() + Send + 'static) -> Option<Self> {
        let idle = Worker::idle().pop();
        let worker = idle.unwrap_or_else(Worker::new);
        worker
            .jobs
            .send(Box::new(job))
            .expect("a worker waits for jobs");
        Self(worker).stopped()
    }

    /// Goes on with the job until it pauses again.
    pub(super) fn resume(self) -> Option<Self> {
        self.0.resume.send(()).expect("a paused worker listens");
        self.stopped()
    }

    fn stopped(self) -> Option<Self> {
        match self.0.stops.recv().expect("a worker says how it stopped") {
            Stop::Paused => Some(self),
            Stop::Ended => {
                Worker::idle().push(self.0);
                None
            }
        }
    }
}

/// Gives control back to whoever started or resumed the job that calls this. Returns whether there is
/// such a job: on any other thread it does nothing.
pub(super) fn pause() -> bool {
    LINES.with(|lines| {
        let lines = lines.borrow();
        let Some(lines) = lines.as_ref() else {
            return false;
        };
        lines.stops.send(Stop::Paused).is_ok() && lines.resumed.recv().is_ok()
    })
}
