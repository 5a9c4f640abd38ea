//! Logging in with AWS Secrets Manager and with a command, through the whole sandbox; and RDS Proxy, with a token for its
//! own name.

#[path = "support/world.rs"]
mod world;

use gatepost::access::{Session, Wish};
use gatepost::model::{Advice, Auth, Diagnosis, Happening, Kind, RouteChoice};
use gatepost::sandbox::Fault;
use world::World;

async fn connect(world: &World, name: &str, user: &str, auth: Auth) -> Result<Session, Diagnosis> {
    let endpoint = world.access.find(name).await.expect(name).endpoint;
    let wish = Wish {
        endpoint,
        route: RouteChoice::Auto,
        database: Some("shop".to_owned()),
        user: user.to_owned(),
        auth,
        read_only: true,
    };
    world.access.connect(&wish, None).await
}

async fn who(session: &mut Session) -> String {
    let mut running = session.run("select current_user");
    let mut user = String::new();
    while let Some(happening) = running.next().await {
        if let Happening::Rows(page) = happening.expect("it runs") {
            user = page.row(0).next().flatten().expect("a name").to_owned();
        }
    }
    user
}

fn pasted(diagnosis: &Diagnosis) -> String {
    diagnosis.advice.iter().filter_map(|Advice { paste, .. }| paste.clone()).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_fetched_at_each_login_so_that_rotation_works() {
    let world = World::new().await;
    let secrets = world.sandbox.secrets();
    let managed = || Auth::SecretsManager(None);
    // No user is named: the secret says whose it is. A member's is its cluster's.
    for name in ["billing", "orders-prod", "orders-prod-2"] {
        let mut session = connect(&world, name, "", managed()).await.expect(name);
        assert_eq!(who(&mut session).await, "postgres", "{name}");
        session.close().await;
    }
    let endpoint = world.access.find("billing").await.expect("there").endpoint;
    let remembered = world.access.remembered(&endpoint);
    assert_eq!((remembered.user.as_deref(), remembered.auth.as_deref()), (Some("postgres"), Some("secret")));

    secrets.rotate(0).await.expect("rotated");
    let mut session = connect(&world, "billing", "postgres", managed()).await.expect("the new password");
    assert_eq!(who(&mut session).await, "postgres");
    // Rotated under a living session: its next login fetches the new one.
    secrets.rotate(0).await.expect("rotated");
    session.cut();
    assert_eq!(who(&mut session).await, "postgres");
    session.close().await;

    // Between the two halves of a rotation: the first answer is of yesterday, the second is not.
    secrets.rotate(1).await.expect("rotated");
    let before = secrets.reads();
    let session = connect(&world, "billing", "postgres", managed()).await.expect("fetched once more");
    assert_eq!(secrets.reads() - before, 2);
    session.close().await;

    // A secret that stays wrong is fetched twice and shown once.
    secrets.rotate(1000).await.expect("rotated");
    let before = secrets.reads();
    let refused = connect(&world, "billing", "postgres", managed()).await.err().expect("yesterday's password");
    assert_eq!((refused.kind, refused.code.as_deref()), (Kind::PasswordRefused, Some("28P01")), "{refused}");
    assert!(refused.advice.iter().any(|advice| advice.say.contains("rotation")), "{refused}");
    assert_eq!(secrets.reads() - before, 2);
    world.access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_secret_can_be_named_and_what_is_wrong_with_it_is_said() {
    let world = World::with(|settings| {
        settings.password_secrets = vec![("legacy-*".to_owned(), "shop/app".to_owned())];
        settings.password_command = Some("printf 'shop-app-%s\\n' password".to_owned());
        settings.password_commands = vec![("billing".to_owned(), "sh -c 'echo it is locked >&2; exit 7'".to_owned())];
    })
    .await;
    let named = |name: &str| Auth::SecretsManager(Some(name.to_owned()));
    let mut session = connect(&world, "orders-prod", "", named("shop/app")).await.expect("the application's");
    assert_eq!(who(&mut session).await, "app");
    session.close().await;
    let mut session = connect(&world, "orders-prod", "app", Auth::Command).await.expect("the command's");
    assert_eq!(who(&mut session).await, "app");
    session.close().await;

    let refusal = async |name, user, auth| connect(&world, name, user, auth).await.err().expect("refused");
    let locked = refusal("billing", "app", Auth::Command).await;
    assert!(locked.because.iter().any(|line| line == "it is locked"), "{locked}");
    let other = refusal("orders-prod", "oncall", named("shop/app")).await;
    assert_eq!(other.title, "The secret shop/app holds the password of app, not of oncall");
    let missing = refusal("orders-prod", "app", named("no/such")).await;
    assert_eq!(missing.kind, Kind::NotFound);
    assert!(missing.title.starts_with("There is no secret no/such in "), "{missing}");
    let kerberos = refusal("orders-prod", "app", Auth::Kerberos).await;
    assert_eq!(kerberos.title, "Kerberos is not there yet");
    // A token for a role that has none: it is asked for by SCRAM, and not shown.
    let token = refusal("orders-prod", "app", Auth::Iam).await;
    assert_eq!(token.kind, Kind::TokenRefused);
    assert!(token.because.iter().any(|line| line.contains("the token was not shown")), "{token}");
    assert!(pasted(&token).contains("GRANT rds_iam TO \"app\";"), "{token}");
    assert!(pasted(&token).contains("--auth password"), "{token}");
    // The master user: its password is what it comes in with, and a grant would end that.
    let token = refusal("orders-prod", "postgres", Auth::Iam).await;
    assert_eq!(token.advice[0].paste.as_deref(), Some("--auth secret"), "{token}");
    assert!(!pasted(&token).contains("GRANT"), "{token}");
    let token = refusal("reports", "postgres", Auth::Iam).await;
    assert_eq!(token.advice[0].paste.as_deref(), Some("--auth password"), "{token}");

    world.sandbox.faults().set(Fault::Denied("secretsmanager:GetSecretValue".to_owned()));
    let denied = refusal("orders-prod", "app", named("shop/app")).await;
    assert_eq!((denied.kind, denied.title.as_str()), (Kind::AccessDenied, "You may not read the secret shop/app"));
    let statement = pasted(&denied);
    for part in ["\"secretsmanager:GetSecretValue\"", ":secret:shop/app-??????\"", "\"kms:Decrypt\"", ":kms:eu-west-1:"]
    {
        assert!(statement.contains(part), "{part} in {statement}");
    }
    world.access.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rds_proxy_takes_a_token_for_its_own_name() {
    let world = World::new().await;
    let endpoint = world.access.find("orders-proxy").await.expect("there").endpoint;
    assert!(endpoint.resource_id.starts_with("prx-") && endpoint.host.contains(".proxy-"), "{endpoint:?}");
    assert!(endpoint.connect_arn("oncall").contains(":dbuser:prx-"));
    let token = world.access.token(&endpoint, "oncall").await.expect("signed");
    assert!(token.secret.reveal().starts_with(&format!("{}:{}/?", endpoint.host, endpoint.port)));
    let mut session = connect(&world, "orders-proxy", "oncall", Auth::Iam).await.expect("in");
    assert_eq!(who(&mut session).await, "oncall");
    session.close().await;
    world.access.close().await;
}
