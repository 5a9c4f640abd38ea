//! An eye on every SDK call: how often it was sent, and what the server's clock says. It must not change a request.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextRef,
    BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;
use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

tokio::task_local! {
    /// Attempts of the call that this task awaits; SDK calls run within the task that awaits them.
    static ATTEMPTS: Cell<u32>;
}

/// Awaits `call`; with its answer, how often its last request was sent.
pub(super) async fn counted<F: Future>(call: F) -> (F::Output, u32) {
    ATTEMPTS
        .scope(Cell::new(0), async {
            let answer = call.await;
            (answer, ATTEMPTS.with(Cell::get))
        })
        .await
}

/// No reading of the server's clock yet.
const UNKNOWN: i64 = i64::MIN;

/// How far this machine's clock is from AWS's. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Skew(Arc<AtomicI64>);

impl Default for Skew {
    fn default() -> Skew {
        Skew(Arc::new(AtomicI64::new(UNKNOWN)))
    }
}

impl Skew {
    /// Seconds that AWS's clock is ahead of ours (to the second; `Date` has no more).
    pub(super) fn seconds(&self) -> Option<i64> {
        match self.0.load(Ordering::Relaxed) {
            UNKNOWN => None,
            seconds => Some(seconds),
        }
    }

    /// Notes a `Date` header (RFC 9110 §6.6.1).
    pub(super) fn note(&self, date: &str) {
        let Ok(server) = DateTime::from_str(date, Format::HttpDate) else { return };
        let ours = DateTime::from(SystemTime::now());
        self.0.store(server.secs() - ours.secs(), Ordering::Relaxed);
    }
}

/// The interceptor.
#[derive(Debug)]
pub(super) struct Watch(pub(super) Skew);

#[dyn_dispatch_hint]
impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "gatepost::Watch"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let _ = ATTEMPTS.try_with(|attempts| attempts.set(0));
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let _ = ATTEMPTS.try_with(|attempts| attempts.set(attempts.get() + 1));
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(date) = context.response().headers().get("date") {
            self.0.note(date);
        }
        Ok(())
    }
}
