//! Switching IAM database authentication on: what is to be changed, when, and how far it is. Words only.

use super::{DatabaseKind, IamAuth, Place};

/// When AWS is to do it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// As soon as it can.
    #[default]
    Now,
    /// In the maintenance window.
    Window,
}

/// What is to be changed, and what that means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IamPlan {
    /// An instance or a cluster: of Aurora and Multi-AZ clusters it is the cluster that is changed.
    pub kind: DatabaseKind,
    /// Its identifier; to be typed before it is changed.
    pub identifier: String,
    /// Its ARN.
    pub arn: String,
    /// Where it is listed.
    pub place: Place,
    /// What it means, in sentences.
    pub consequences: Vec<String>,
}

/// How it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IamProgress {
    /// AWS's status word.
    pub status: String,
    /// IAM authentication.
    pub iam: IamAuth,
    /// AWS's words for the maintenance window, in UTC: `sun:03:30-sun:04:00`.
    pub window: Option<String>,
    /// Other changes that wait; those done at once are done with this one.
    pub waiting: Vec<String>,
}

impl IamProgress {
    /// Whether tokens are taken and AWS is done.
    pub fn is_done(&self) -> bool {
        self.iam == IamAuth::Enabled && self.status == "available"
    }

    /// In a few words: `modifying · IAM pending`.
    pub fn words(&self) -> String {
        let iam = match self.iam {
            IamAuth::Enabled => "IAM on",
            IamAuth::Disabled => "IAM off",
            IamAuth::Pending { .. } => "IAM pending",
        };
        format!("{} · {iam}", self.status)
    }
}
