//! Faults of a file manager: refusals, no answer, resets before and after the effect, invalid answers.

use super::case::{Case, Struck, Task};
use mock_api::{CallName, Fault, FaultAction};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = of_a_create();
    cases.extend(of_other_effects());
    cases.extend(of_reads_and_reports());
    cases
}

#[derive(Clone, Copy)]
enum HowOften {
    Once,
    Always,
}
use HowOften::{Always, Once};

fn save(task: Task, what: &str, action: FaultAction, how_often: HowOften) -> Case {
    let operation = match task {
        Task::Create => "create",
        Task::Update => "update",
        Task::Delete => "delete",
    };
    struck(task, operation, (&format!("`{operation}`"), what), Fault::new(action).operation(operation).path("m"), how_often)
}

fn struck(task: Task, counted: &'static str, (call, what): (&str, &str), fault: Fault, how_often: HowOften) -> Case {
    let (name, fault) = match how_often {
        Once => (format!("{call}: {what}, once"), fault),
        Always => (format!("{call}: {what}, always"), fault.always()),
    };
    Case::new(name, task, Struck::Api(counted), move |api, _| api.order(fault))
}

fn answer(status: u16, retry_after_secs: Option<u64>) -> FaultAction {
    FaultAction::Answer { status, retry_after_secs, body: None }
}

fn of_a_create() -> Vec<Case> {
    let create = |what, action, how_often| save(Task::Create, what, action, how_often);
    let nonsense = FaultAction::Answer { status: 200, retry_after_secs: None, body: Some("<html>welcome</html>".to_owned()) };
    vec![
        create("500", answer(500, None), Once),
        create("500", answer(500, None), Always),
        create("503 with `Retry-After: 1`", answer(503, Some(1)), Once),
        create("503", answer(503, None), Always),
        create("429 with `Retry-After: 1`", answer(429, Some(1)), Once),
        create("429", answer(429, None), Always),
        create("401", answer(401, None), Once),
        create("403", answer(403, None), Once),
        create("400", answer(400, None), Once),
        create("404", answer(404, None), Once),
        create("409, the path is taken", answer(409, None), Once),
        create("409 with `Retry-After: 1`, the key is in use", answer(409, Some(1)), Once),
        create("413", answer(413, None), Once),
        create("422", answer(422, None), Once),
        create("302, elsewhere", answer(302, None), Always),
        create("200 with a page that is not the contract's", nonsense, Always),
        create("answers late", FaultAction::Delay { millis: 50 }, Always),
        create("reads slowly", FaultAction::SlowRead { pause_millis: 10 }, Always),
        create("no answer, no effect", FaultAction::Hang, Once).impatient(),
        create("no answer, no effect", FaultAction::Hang, Always).impatient(),
        create("reset, no effect", FaultAction::Reset, Once),
        create("reset, no effect", FaultAction::Reset, Always),
        create("effect, then reset", FaultAction::EffectThenReset, Once),
        create("effect, then reset", FaultAction::EffectThenReset, Always),
        create("effect, then 500", FaultAction::effect_then_status(500), Once),
        create("effect, then 500", FaultAction::effect_then_status(500), Always),
        create("effect, then 422", FaultAction::effect_then_status(422), Once),
        create("effect, then no answer", FaultAction::EffectThenHang, Once).impatient(),
        create("effect, then no answer", FaultAction::EffectThenHang, Always).impatient(),
    ]
}

fn of_other_effects() -> Vec<Case> {
    vec![
        save(Task::Update, "500", answer(500, None), Always),
        save(Task::Update, "422", answer(422, None), Once),
        save(Task::Update, "reset, no effect", FaultAction::Reset, Always),
        save(Task::Update, "effect, then reset", FaultAction::EffectThenReset, Always),
        save(Task::Update, "effect, then no answer", FaultAction::EffectThenHang, Once).impatient(),
        save(Task::Delete, "500", answer(500, None), Always),
        save(Task::Delete, "422", answer(422, None), Once),
        save(Task::Delete, "reset, no effect", FaultAction::Reset, Once),
        save(Task::Delete, "effect, then reset", FaultAction::EffectThenReset, Once),
        save(Task::Delete, "effect, then 500", FaultAction::effect_then_status(500), Always),
        save(Task::Delete, "effect, then no answer", FaultAction::EffectThenHang, Once).impatient(),
    ]
}

fn of_reads_and_reports() -> Vec<Case> {
    let permissions = |what, action, how_often| {
        let fault = Fault::new(action).call(CallName::UpdatePermissions).path("m");
        struck(Task::Create, "get", ("`updatePermissions`", what), fault, how_often)
    };
    let report = |what, action, how_often| {
        struck(Task::Create, "reportResults", ("`reportResults`", what), Fault::new(action).call(CallName::ReportResults), how_often)
    };
    vec![
        permissions("500", answer(500, None), Once),
        permissions("500", answer(500, None), Always),
        permissions("reset", FaultAction::Reset, Once),
        permissions("422", answer(422, None), Always),
        permissions("401", answer(401, None), Once),
        report("500", answer(500, None), Once),
        report("500", answer(500, None), Always),
        report("422", answer(422, None), Once),
    ]
}
