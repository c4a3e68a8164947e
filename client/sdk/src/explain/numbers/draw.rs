//! Who was drawn, and by which numbers.

use decentralml_protocol::draw::{Classes, weight_of};
use decentralml_types::BlockNumber;
use serde::Serialize;
use serde_json::Value as Json;

use super::{Check, Numbers};
use crate::{
    Draw,
    event::Event,
    explain::{ExplainError, Part, missing},
};

/// Why an account was drawn, or not: its place among those of its weight has to be below the number of places that they get. Where a
/// task draws equally, these are all.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrawNumbers {
    /// What was drawn.
    pub draw: Draw,
    /// Slots among which it was drawn.
    pub population: u32,
    /// Slots that were drawn.
    pub places: u32,
    /// The block whose VRF output is the seed.
    pub seed_block: BlockNumber,
    /// What the account weighs; `None` where it was not enrolled in this role in time.
    pub weight: Option<u8>,
    /// Slots of this weight among which it was drawn; `None` likewise.
    pub peers: Option<u32>,
    /// Those of them that were drawn, with the lowest places; `None` where the seed did not become known, or the draw was closed before.
    pub given: Option<u32>,
    /// The account's slot among those of its weight; `None` where it was not enrolled in this role in time.
    pub slot: Option<u32>,
    /// The place of that slot among them; `None` where the seed did not become known, or the draw was closed before.
    pub place: Option<u32>,
    /// Whether it was drawn.
    pub drawn: bool,
}

impl Part<'_> {
    pub(super) async fn draw(
        &self,
        event: &Event,
        checks: &mut Vec<Check>,
    ) -> Result<Option<Numbers>, ExplainError> {
        let Some(draw) = read_draw(&event.fields["draw"]) else { return Ok(None) };
        let number = |field: &str| event.fields[field].as_u64().and_then(|n| n.try_into().ok());
        let (Some(population), Some(places), Some(seed_block)) =
            (number("population"), number("places"), number("seed_block"))
        else {
            return Ok(None);
        };
        // The state in which the seed can be read for the first time.
        let known: BlockNumber = seed_block + 1;
        let (task, round) = (self.task.id, self.round.number);
        let view = self.history.at(known.min(self.history.head)).await?;
        let lost = |error| missing(view.number(), error);
        let drawing = view.drawing(task, round, draw, &self.account).await.map_err(lost)?;
        let mut numbers = DrawNumbers {
            draw,
            population,
            places,
            seed_block,
            weight: None,
            peers: None,
            given: None,
            slot: None,
            place: None,
            drawn: false,
        };
        if let Some(drawing) = drawing {
            let mut drawn = None;
            if let Some((class, slot)) = drawing.slot {
                let of_class = |classes: Classes| classes.get(usize::from(class)).copied();
                drawn = drawing.lots.and_then(|lots| lots.place(class, slot));
                numbers.weight = Some(weight_of(class));
                numbers.peers = of_class(drawing.population);
                numbers.given = drawing.lots.and_then(|lots| of_class(lots.given()));
                numbers.slot = Some(slot);
                numbers.place = drawing.lots.and_then(|lots| lots.rank(class, slot));
                numbers.drawn = drawn.is_some();
            }
            let chain =
                view.place_by_chain(task, round, draw, &self.account).await.map_err(lost)?;
            checks.push(Check::equal(view.number(), "place in a draw", drawn, chain));
            let all = drawing.population.into_iter().fold(0, u32::saturating_add);
            let chain = (all, drawing.places, drawing.seed_block);
            let told = (population, places, seed_block);
            checks.push(Check::equal(view.number(), "terms of a draw", told, chain));
        }
        Ok(Some(Numbers::Draw(numbers)))
    }
}

/// A draw as events write it.
fn read_draw(draw: &Json) -> Option<Draw> {
    match draw.as_str() {
        Some("Trainers") => Some(Draw::Trainers),
        _ => Some(Draw::Committee(draw.get("Committee")?.as_u64()?.try_into().ok()?)),
    }
}
