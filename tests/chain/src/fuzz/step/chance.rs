//! How often what happens.

use super::{Amount, Leap, Power, Setting, Shape, Shown, Step, Then, Way, Which, Who};
use decentralml_types::{Label, Opinion, Role, limits::MAX_SCORE};
use proptest::prelude::*;

fn who() -> impl Strategy<Value = Who> {
    0..12_u8
}

/// Mostly the latest task.
fn task() -> impl Strategy<Value = Which> {
    prop_oneof![8 => Just(0), 3 => Just(1), 1 => 0..6_u8]
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![8 => Just(Role::Trainer), 8 => Just(Role::Evaluator), 1 => Just(Role::Validator)]
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        1 => Just(Amount::Zero),
        3 => any::<u8>().prop_map(Amount::Planck),
        4 => (0..3_000_u16).prop_map(Amount::Milli),
        8 => (1..40_u8).prop_map(Amount::Tokens),
        6 => (0..=100_u8).prop_map(Amount::Share),
        2 => Just(Amount::Everything),
        1 => Just(Amount::Absurd),
    ]
}

fn opinion() -> impl Strategy<Value = Opinion> {
    prop_oneof![
        4 => Just(Opinion::Unavailable),
        4 => Just(Opinion::Malformed),
        2 => Just(Opinion::Copied),
        2 => (-20_000_i64..20_000).prop_map(Opinion::Score),
        1 => (-MAX_SCORE..=MAX_SCORE).prop_map(Opinion::Score),
        1 => any::<i64>().prop_map(Opinion::Score),
    ]
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![4 => Just(Way::Honest), 4 => opinion().prop_map(Way::Lie), 2 => Just(Way::Blind)]
}

/// Nobody, mostly, or a few.
fn some() -> impl Strategy<Value = u16> {
    prop_oneof![
        5 => Just(0),
        4 => (0..12_u8).prop_map(|one| 1 << one),
        2 => (any::<u16>(), any::<u16>()).prop_map(|(one, other)| one & other),
        3 => Just(u16::MAX),
    ]
}

/// What an account weighs, or may weigh at most; now and then what none can.
fn weight() -> impl Strategy<Value = u8> {
    prop_oneof![4 => Just(1_u8), 5 => (1..5_u8).prop_map(|class| 1 << class), 1 => any::<u8>()]
}

fn shape() -> impl Strategy<Value = Shape> {
    let reward = prop_oneof![
        4 => (1..40_u8).prop_map(Amount::Tokens),
        2 => (1..200_u8).prop_map(Amount::Planck),
        2 => (1..999_u16).prop_map(Amount::Milli),
    ];
    let fee = prop_oneof![
        1 => Just(Amount::Zero),
        1 => any::<u8>().prop_map(Amount::Planck),
        4 => (0..999_u16).prop_map(Amount::Milli),
    ];
    let size = (1..5_u8, 0..3_u8, (1..4_u8, 0..3_u8), prop_oneof![5 => Just(3_u8), 1 => 0..7_u8]);
    let token = prop::option::weighted(0.3, 0..2_u8);
    let golds = prop_oneof![4 => Just(0_u8), 3 => 2..5_u8, 1 => any::<u8>()];
    let money = (reward, fee, (1..60_u8, 1..60_u8), (token, weight(), golds));
    let time = (1..8_u8, 1..60_u8, prop_oneof![4 => 150..2_000_u16, 1 => 0..150_u16]);
    (size, money, time, prop::bool::weighted(0.3), prop::bool::weighted(0.2)).prop_map(
        |(
            (rounds, retries, (min, more), seats),
            (reward, fee, bonds, (token, cap, golds)),
            time,
            sealed,
            target,
        )| {
            let (pace, claiming, lifetime) = time;
            let trainers = (min, min + more);
            Shape {
                rounds,
                retries,
                trainers,
                seats,
                sealed,
                reward,
                fee,
                bonds,
                token,
                cap,
                golds,
                pace,
                claiming,
                lifetime,
                target,
            }
        },
    )
}

/// Fates of an early round.
const FATES: u64 = 20;

/// Those for which the round has to go well up to a point.
const WHOLE: u64 = 0;
const ABSENT: u64 = 6;
const COPIED: u64 = 7;
const REPRICED: u64 = 9;
const DIVIDED: u64 = 10;
const FROZEN: u64 = 13;
const BURNED: u64 = 14;
const SILENT: u64 = 15;
const GOLDEN: u64 = 18;

/// How an early round of a chain goes: one chain after the other, so that even a short run has seen every end of a round.
pub fn fate(chain: u64) -> BoxedStrategy<Step> {
    use decentralml_types::Phase;
    const ALL: u16 = u16::MAX;
    let round = |from: Phase, absent: u16, deviant: BoxedStrategy<u16>, way: BoxedStrategy<Way>| {
        let play =
            move |(deviant, way)| Step::Round { task: 0, from: from as u8, absent, deviant, way };
        (deviant, way).prop_map(play).boxed()
    };
    let lie = |opinion: Opinion| Just(Way::Lie(opinion)).boxed();
    // Trainers, as `opening` enrolls them, whoever the sponsor is.
    let few = || (5..10_u8, 5..10_u8).prop_map(|(one, other)| 1 << one | 1 << other).boxed();
    let (none, all) = (Just(0).boxed(), Just(ALL).boxed());
    let honest = Just(Way::Honest).boxed();
    match chain % FATES {
        WHOLE => round(Phase::Void, 0, none, honest),
        1 => round(Phase::Revealing, ALL, none, honest),
        2 => round(Phase::Scoring, ALL, none, honest),
        3 => round(Phase::Verdict, ALL, none, honest),
        4 => round(Phase::Aggregating, 0, all, lie(Opinion::Unavailable)),
        5 => {
            let worse = (-20_000_i64..0).prop_map(|score| Way::Lie(Opinion::Score(score))).boxed();
            round(Phase::Scoring, 0, all, worse)
        }
        // One seat stands behind another model than the others.
        DIVIDED | 17 => {
            let one = (0..3_u8).prop_map(|seat| 1 << seat).boxed();
            round(Phase::Aggregating, 0, one, lie(Opinion::Unavailable))
        }
        11 => challenge_in(Phase::Scoring as u8),
        12 => Just(Step::Desert { task: 0 }).boxed(),
        FROZEN => Just(Step::Withhold { task: 0, burn: false }).boxed(),
        BURNED => Just(Step::Withhold { task: 0, burn: true }).boxed(),
        GOLDEN | 19 => golden(),
        SILENT => challenged(Phase::Scoring as u8, Just(Then::Silence)),
        REPRICED => challenged(Phase::Scoring as u8, sound().prop_map(Then::Amend)),
        ABSENT => round(Phase::Training, 0, few(), lie(Opinion::Unavailable)),
        COPIED | 16 => round(Phase::Training, 0, few(), lie(Opinion::Copied)),
        _ => round(Phase::Training, 0, few(), lie(Opinion::Malformed)),
    }
}

/// What the council sets on a chain, and whether before there are any tasks or after that: two chains in three begin so, and there the
/// task of [`fate`] goes by other parameters than the chain, or than a new one.
pub fn governed(chain: u64) -> Option<(BoxedStrategy<Step>, bool)> {
    let step = sound().prop_map(|setting| Step::Govern { setting }).boxed();
    (!chain.is_multiple_of(3)).then_some((step, chain % 3 == 1))
}

/// What comes of [`fate`]: who is accused in the round, if anybody is, is judged by a majority after the council has set something else.
pub fn judged(chain: u64) -> BoxedStrategy<Step> {
    let guilty = any::<bool>().prop_map(move |guilty| guilty && chain % FATES != SILENT);
    let step = |(guilty, setting)| {
        let vote = Some(guilty);
        Step::Amend { case: 0, setting, votes: [vote, None, vote] }
    };
    (guilty, sound()).prop_map(step).boxed()
}

/// What the council may set; not what a new chain has.
fn sound() -> impl Strategy<Value = Setting> {
    prop_oneof![Just(Setting::Strict), Just(Setting::Lenient), Just(Setting::Dear)]
}

fn setting() -> impl Strategy<Value = Setting> {
    prop_oneof![
        6 => sound(),
        2 => Just(Setting::Initial),
        2 => (0..14_u8).prop_map(Setting::Unsound),
    ]
}

/// A task in which a round can begin at once, and the people for it. Where the round goes well, by [`fate`], nothing else is in its way.
pub fn opening(chain: u64) -> [BoxedStrategy<Step>; 2] {
    let ordinary = match chain % FATES {
        WHOLE => Some(Shape { rounds: 1, sealed: true, ..Shape::ordinary() }),
        ABSENT | COPIED | 8 | REPRICED | DIVIDED | SILENT | 16 | 17 => Some(Shape::ordinary()),
        FROZEN | BURNED => Some(Shape { token: Some(1), ..Shape::ordinary() }),
        GOLDEN => Some(Shape { golds: 4, ..Shape::ordinary() }),
        19 => Some(Shape { golds: 4, token: Some(0), ..Shape::ordinary() }),
        _ => None,
    };
    let create = (0..10_u8, shape()).prop_map(move |(who, shape)| {
        let (min, max) = shape.trainers;
        let trainers = (min, max.min(4));
        let lifetime = shape.lifetime.max(300);
        let shape = ordinary.unwrap_or(shape);
        Step::Create { who, shape: Shape { seats: 3, trainers, lifetime, ..shape } }
    });
    let join = Just(Step::Join { from: 0, trainers: 6, evaluators: 4, task: 0 });
    [create.boxed(), join.boxed()]
}

/// Any step, each about as often as it takes for whole rounds to be reached and left.
pub fn any_step() -> BoxedStrategy<Step> {
    prop_oneof![
        60 => prop_oneof![
            3 => (who(), shape()).prop_map(|(who, shape)| Step::Create { who, shape }),
            10 => (who(), 0..8_u8, 0..6_u8, task()).prop_map(|(from, trainers, evaluators, task)| {
                Step::Join { from, trainers, evaluators, task }
            }),
            60 => (task(), some(), some(), way()).prop_map(|(task, absent, deviant, way)| {
                Step::Everybody { task, absent, deviant, way }
            }),
            24 => (task(), 0..9_u8, some(), some(), way()).prop_map(|(task, from, absent, deviant, way)| {
                Step::Round { task, from, absent, deviant, way }
            }),
            3 => (task(), 0..6_u8).prop_map(|(task, phase)| Step::CancelIn { task, phase }),
            2 => task().prop_map(|task| Step::Desert { task }),
            14 => (who(), task(), way()).prop_map(|(who, task, way)| Step::Act { who, task, way }),
            12 => (who(), task()).prop_map(|(who, task)| Step::Due { who, task }),
            6 => (who(), task()).prop_map(|(who, task)| Step::Advance { who, task }),
            6 => (1..6_u8).prop_map(|count| Step::Blocks { count }),
            6 => (who(), task(), 0..8_u8).prop_map(|(by, task, round)| Step::Settle { by, task, round }),
        ],
        12 => prop_oneof![
            8 => (who(), task(), 0..8_u8, who()).prop_map(|(by, task, round, who)| {
                Step::Claim { by, task, round, who }
            }),
            8 => (who(), task(), 0..8_u8, 0..3_u8, who()).prop_map(|(by, task, round, committee, who)| {
                Step::ClaimSeat { by, task, round, committee, who }
            }),
            3 => (who(), task(), who()).prop_map(|(by, task, who)| Step::Forget { by, task, who }),
            3 => (who(), task(), any::<u8>()).prop_map(|(by, task, limit)| Step::Reap { by, task, limit }),
            2 => (who(), task(), 0..8_u8).prop_map(|(who, task, round)| Step::Batch { who, task, round }),
            1 => (1..20_u8).prop_map(|hundreds| Step::Leap { blocks: Leap::Hundreds(hundreds) }),
            1 => Just(Step::Leap { blocks: Leap::Unbonding }),
            1 => Just(Step::Leap { blocks: Leap::Candidates }),
        ],
        20 => prop_oneof![
            10 => (any::<u8>(), votes()).prop_map(|(case, votes)| Step::Judge { case, votes }),
            6 => (any::<u8>(), setting(), votes())
                .prop_map(|(case, setting, votes)| Step::Amend { case, setting, votes }),
            3 => setting().prop_map(|setting| Step::Govern { setting }),
            2 => (rarely(), any::<u8>()).prop_map(|(who, case)| Step::Appeal { who, case }),
            2 => (judge(), any::<u8>(), any::<bool>())
                .prop_map(|(who, case, guilty)| Step::Vote { who, case, guilty }),
            3 => (who(), any::<u8>()).prop_map(|(by, case)| Step::Conclude { by, case }),
            10 => challenge_in(0),
            5 => (who(), task(), who(), path())
                .prop_map(|(by, task, who, path)| Step::Challenge { by, task, who, path }),
            5 => (who(), any::<u8>(), prop::bool::weighted(0.8))
                .prop_map(|(by, challenge, right)| Step::Answer { by, challenge, right }),
            4 => (who(), any::<u8>(), any::<bool>())
                .prop_map(|(by, challenge, due)| Step::EndChallenge { by, challenge, due }),
        ],
        10 => prop_oneof![
            6 => golden(),
            3 => (task(), who(), label()).prop_map(|(task, who, label)| Step::Announce { task, who, label }),
            2 => (task(), 0..8_u8, prop::bool::weighted(0.7))
                .prop_map(|(task, round, right)| Step::ShowGolds { task, round, right }),
            2 => (who(), task(), 0..8_u8).prop_map(|(by, task, round)| Step::EndGolds { by, task, round }),
        ],
        10 => prop_oneof![
            3 => (who(), task(), amount()).prop_map(|(who, task, amount)| Step::Fund { who, task, amount }),
            3 => (rarely(), task()).prop_map(|(who, task)| Step::Pause { who, task }),
            5 => (rarely(), task()).prop_map(|(who, task)| Step::Resume { who, task }),
            2 => (rarely(), task()).prop_map(|(who, task)| Step::Cancel { who, task }),
            3 => (who(), task(), who()).prop_map(|(by, task, who)| Step::Collect { by, task, who }),
            2 => (who(), task(), who()).prop_map(|(by, task, who)| Step::WriteOff { by, task, who }),
            6 => (0..3_u8, power(), prop::option::of(who()))
                .prop_map(|(token, power, who)| Step::Issuer { token, power, who }),
        ],
        14 => prop_oneof![
            6 => (who(), role(), amount()).prop_map(|(who, role, amount)| Step::Bond { who, role, amount }),
            6 => (who(), role(), amount()).prop_map(|(who, role, amount)| Step::Unbond { who, role, amount }),
            4 => (who(), role()).prop_map(|(who, role)| Step::Withdraw { who, role }),
            5 => (who(), task(), role(), weight()).prop_map(|(who, task, role, weight)| {
                Step::Enroll { who, task, role, weight }
            }),
            5 => (who(), task(), role()).prop_map(|(who, task, role)| Step::Leave { who, task, role }),
            3 => (who(), who(), task(), role()).prop_map(|(by, who, task, role)| {
                Step::Dismiss { by, who, task, role }
            }),
            1 => (who(), who(), role()).prop_map(|(by, who, role)| Step::ForgetMember { by, who, role }),
        ],
        10 => prop_oneof![
            2 => (who(), 0..6_u8).prop_map(|(who, count)| Step::Hosts { who, count }),
            3 => (who(), 0..4_u8).prop_map(|(who, key)| Step::Key { who, key }),
            6 => (who(), 0..3_u8).prop_map(|(who, cid)| Step::Register { who, cid }),
            4 => (who(), 0..3_u8, who()).prop_map(|(who, cid, to)| Step::Grant { who, cid, to }),
            3 => (who(), 0..3_u8, who()).prop_map(|(who, cid, to)| Step::Revoke { who, cid, to }),
            2 => (who(), 0..3_u8).prop_map(|(who, cid)| Step::Retire { who, cid }),
            5 => (task(), 0..4_u8, any::<bool>()).prop_map(|(task, version, recall)| {
                Step::Release { task, version, recall }
            }),
            2 => (who(), task(), 0..4_u8).prop_map(|(by, task, version)| Step::Prune { by, task, version }),
        ],
        8 => prop_oneof![
            5 => (who(), who(), amount()).prop_map(|(from, to, amount)| Step::Transfer { from, to, amount }),
            2 => (who(), who()).prop_map(|(from, to)| Step::Empty { from, to }),
            1 => (who(), task(), amount()).prop_map(|(from, task, amount)| Step::Stray { from, task, amount }),
            6 => (who(), any::<u8>(), any::<u8>(), prop::collection::vec(any::<u8>(), 0..200))
                .prop_map(|(who, pallet, call, bytes)| Step::Wild { who, pallet, call, bytes }),
        ],
    ]
    .boxed()
}

/// Most of it is taken back soon: otherwise little would be paid.
fn power() -> impl Strategy<Value = Power> {
    prop_oneof![
        3 => Just(Power::FreezeAll),
        9 => Just(Power::ThawAll),
        3 => Just(Power::Freeze),
        6 => Just(Power::Thaw),
        1 => Just(Power::Block),
        2 => amount().prop_map(Power::Burn),
        2 => amount().prop_map(Power::Mint),
        1 => Just(Power::Destroy),
    ]
}

fn path() -> impl Strategy<Value = Vec<u16>> {
    prop::collection::vec(0..3_u16, 0..3)
}

/// From this phase on; the later ones are those in which an update can be challenged.
fn challenge_in(first: u8) -> BoxedStrategy<Step> {
    let then = prop_oneof![
        2 => Just(Then::Answer),
        2 => sound().prop_map(Then::Amend),
        3 => Just(Then::Silence),
        1 => Just(Then::Cancel)
    ];
    challenged(first, then)
}

fn challenged(first: u8, then: impl Strategy<Value = Then> + 'static) -> BoxedStrategy<Step> {
    let phase = prop_oneof![1 => 0..6_u8, 6 => 2..6_u8].prop_map(move |phase| phase.max(first));
    (who(), task(), phase, who(), path(), then)
        .prop_map(|(by, task, phase, who, path, then)| Step::ChallengeIn {
            by,
            task,
            phase,
            who,
            path,
            then,
        })
        .boxed()
}

fn label() -> impl Strategy<Value = Label> {
    prop_oneof![3 => Just(Label::Good), 3 => Just(Label::Bad), 1 => Just(Label::Blank)]
}

/// One seat lies, or whoever.
fn golden() -> BoxedStrategy<Step> {
    let then =
        prop_oneof![4 => Just(Shown::All), 2 => Just(Shown::None), 1 => Just(Shown::Cancelled)];
    let liars = prop_oneof![4 => (0..4_u8).prop_map(|seat| 1 << seat), 2 => some()];
    (who(), task(), liars, then)
        .prop_map(|(by, task, liars, then)| Step::Golden { by, task, liars, then })
        .boxed()
}

/// Mostly a member of the council.
fn judge() -> impl Strategy<Value = Who> {
    prop_oneof![5 => 200..203_u8, 1 => who()]
}

fn votes() -> impl Strategy<Value = [Option<bool>; 3]> {
    prop::array::uniform3(prop_oneof![2 => Just(None), 3 => any::<bool>().prop_map(Some)])
}

/// The sponsor where it is nobody, or the accused.
fn rarely() -> impl Strategy<Value = Option<Who>> {
    prop_oneof![5 => Just(None), 1 => who().prop_map(Some)]
}
