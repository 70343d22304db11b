//! Measures judging: every rule in force over a whole register, over one vendor's integrations, over one
//! integration as on submission, and submitting and deciding; beside the time that PostgreSQL alone takes to give the facts.
//! Usage: `judge DATABASE_URL DATA_DIR`, on a register that `scripts/bench.sql` filled.
#![allow(clippy::expect_used, clippy::print_stdout, clippy::too_many_lines, reason = "a measuring instrument")]

mod decide;

/// The allocator of the binary, so that what is measured is what runs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use std::{path::PathBuf, time::Instant};

use muster::{
    clock::Clock,
    config::{Config, Options},
    db::Db,
    identity::{Actor, Pepper},
    integrations, policy,
    publications::ops as publications,
};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

async fn timed<T>(work: impl Future<Output = T>) -> (f64, T) {
    let begun = Instant::now();
    let done = work.await;
    (begun.elapsed().as_secs_f64(), done)
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let url = args.next().expect("a database URL");
    let data_dir = PathBuf::from(args.next().expect("a data directory"));
    let options: PgConnectOptions = url.parse().expect("a URL");
    let clock = Clock::system();
    let config = {
        let given = Options { data_dir: Some(data_dir), ..Options::default() };
        Config::load(given, muster::house::sections).expect("a configuration")
    };
    let app = muster::house::app(Db::new(&options, 8, clock.clone()), clock.clone(), config, Pepper::from_key([1; 32]));
    let actor = Actor::cli("bench".into(), "bench".into());
    policy::ops::seed_rules(&app, &actor).await.expect("rules");
    policy::ops::seed_risk_model(&app, &actor).await.expect("a model");
    let mut conn = PgConnection::connect_with(&options).await.expect("connected");
    let rules = publications::in_force::<policy::RuleContent>(&mut conn).await.expect("rules").len();
    let all: Vec<Uuid> = sqlx::query_scalar("select id from integrations").fetch_all(&mut conn).await.expect("ids");
    let n = f64::from(u32::try_from(all.len()).expect("a count"));
    let queue = "insert into judgements_due (integration_id) select id from integrations";
    println!("{rules} rules and the risk model over {} integrations", all.len());

    let today = app.today().await.expect("a day");
    let (read, ()) = timed(async {
        for part in all.chunks(200) {
            let mut conn = app.db.read().await.expect("a connection");
            let found = integrations::ops::load(&mut conn, part).await.expect("integrations");
            policy::ops::facts_of(&mut conn, today, &found).await.expect("facts");
        }
    })
    .await;
    println!("facts alone, read and put together: {read:.2} s ({:.0} µs each)", read * 1e6 / n);
    sqlx::raw_sql(queue).execute(&mut conn).await.expect("queued");
    // What filled the register queued most of it already: an entry that meets its twin waits for the next look.
    let (first, ()) = timed(async { while policy::ops::judge_due(&app).await.expect("judged") > 0 {} }).await;
    println!("first run, writing every violation and score: {first:.2} s");
    // A server tidies up by itself after so many rows; here it is not to do so while something else is measured.
    sqlx::raw_sql("vacuum analyze").execute(&mut conn).await.expect("tidied");
    for turn in 1..=2 {
        sqlx::raw_sql(queue).execute(&mut conn).await.expect("queued");
        let (again, judged) = timed(policy::ops::judge_due(&app)).await;
        assert_eq!(judged.expect("judged"), all.len(), "a full run judges all of them");
        println!(
            "full run {turn}, nothing changed: {again:.2} s, {:.1} times the facts alone (target 5 s)",
            again / read
        );
    }
    // Days have passed: ages and terms are others, and whatever asks for them says so anew.
    let tomorrow = Clock::fixed(clock.now() + chrono::TimeDelta::days(1));
    let later = muster::app::App { db: app.db.at(tomorrow.clone()), clock: tomorrow, ..app.clone() };
    assert!(policy::ops::begin_day(&later).await.expect("a day"), "a new day begins");
    let (next, judged) = timed(policy::ops::judge_due(&later)).await;
    println!("full run on the next day, {} of them: {next:.2} s (target 5 s)", judged.expect("judged"));
    let vendor: Uuid = sqlx::query_scalar(
        "select a.vendor_id from apis a join integrations i on i.api_id = a.id group by 1 order by count(*) desc limit 1",
    )
    .fetch_one(&mut conn)
    .await
    .expect("a vendor");
    sqlx::query("update vendors set description = coalesce(description, '') where id = $1")
        .bind(vendor)
        .execute(&mut conn)
        .await
        .expect("touched");
    let (one, count) = timed(policy::ops::judge_due(&app)).await;
    println!(
        "after a change of one vendor, {} integrations: {:.0} ms (target 100 ms)",
        count.expect("judged"),
        one * 1e3
    );
    let mut each = Vec::new();
    for id in all.iter().step_by((all.len() / 200).max(1)) {
        // As a submission does it: within the transaction that would write.
        let mut tx = app.db.write(&actor).await.expect("a transaction");
        let found = integrations::ops::load(tx.conn(), &[*id]).await.expect("it").remove(0);
        let (time, judged) = timed(policy::ops::judge_in(&app, &mut tx, policy::ops::Subject::live(&found))).await;
        judged.expect("judged");
        each.push(time);
    }
    each.sort_by(f64::total_cmp);
    println!(
        "one integration, as on submission: median {:.2} ms, 95th percentile {:.2} ms (target 5 ms)",
        each[each.len() / 2] * 1e3,
        each[each.len() * 95 / 100] * 1e3
    );
    Box::pin(decide::measure(&app, &actor, &mut conn)).await;
}
