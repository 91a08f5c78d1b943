//! The one session of this program, which all its counters belong to.

use crate::system::System;

pub(crate) static SESSION: tallymark_core::Session<System> = tallymark_core::Session::new();
