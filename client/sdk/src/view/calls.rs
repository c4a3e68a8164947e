//! What would become of calls.

use subxt::error::DispatchError;

use super::View;
use crate::{
    AccountId,
    chain::ANSWER_LIMIT,
    error::{ReadError, within},
};

impl View {
    /// Why a call that costs nothing when it succeeds would fail if `who` sent it now; `None` where it would not, and for other calls.
    pub(crate) async fn rehearse(
        &self,
        who: &AccountId,
        call: &[u8],
    ) -> Result<Option<DispatchError>, ReadError> {
        let question = [&who.0[..], call].concat();
        let apis = self.at.runtime_apis();
        let answer = apis.call_raw("FreeCallsApi_rehearse", Some(&question));
        let answer = within("what would become of a call", ANSWER_LIMIT, answer).await?;
        // An option of a result, and in it an error as a block would report it.
        match answer.as_slice() {
            [1, 1, error @ ..] => DispatchError::decode_from(error, self.at.metadata())
                .map(Some)
                .map_err(|error| ReadError::Node {
                    what: "what would become of a call",
                    source: Box::new(error.into()),
                }),
            _ => Ok(None),
        }
    }
}
