//! The sandbox's one access key, account and names of its identity. Made up; worth nothing anywhere else.

/// Account number.
pub const ACCOUNT: &str = "123456789012";
/// `AccessKeyId` of the sandbox's caller.
pub const ACCESS_KEY_ID: &str = "ASIASANDBOXGATEPOST0";
/// Its secret.
pub const SECRET_ACCESS_KEY: &str = "sandbox/secret/key/that/opens/nothing/40";
/// Its session token: temporary credentials, as most people have.
pub const SESSION_TOKEN: &str =
    "IQoJsandboxsessiontoken//////////wEaCWV1LXdlc3QtMSJHMEUCIQDsandbox+only/worth=nothing==";
/// ARN of the caller.
pub const CALLER_ARN: &str = "arn:aws:sts::123456789012:assumed-role/prod-admin/oncall";
/// Home region.
pub const REGION: &str = "eu-west-1";
/// Second region.
pub const OTHER_REGION: &str = "us-east-1";
/// The database user to begin with: may come in with tokens, may write.
pub const USER: &str = "oncall";

/// The shared credentials file: the keys as profile `default`.
pub fn profile() -> String {
    format!(
        "[default]\naws_access_key_id = {ACCESS_KEY_ID}\naws_secret_access_key = {SECRET_ACCESS_KEY}\naws_session_token = {SESSION_TOKEN}\n"
    )
}
