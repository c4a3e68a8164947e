//! A server with a manner of its own, both as a gateway and as a Kubo RPC.

use super::patient;
use axum::{
    Router,
    body::Body,
    extract::{Query, Request},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use decentralml_storage::{Block, Cid, SourceUrl, Storage, parse_cid, unixfs::import};
use futures::{Stream, StreamExt, stream};
use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// How a server answers a request for a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    Honest,
    /// It takes a moment.
    Late,
    /// Other bytes of the same length.
    Lies,
    /// Half of the block, as if that were all.
    Truncates,
    /// Half of the block, and the connection is cut.
    Cuts,
    /// Half of the block, and silence.
    StopsHalfway,
    /// A byte each time.
    Trickles(Duration),
    NeverEnds,
    Mute,
    Lacks,
    /// 412, unless it may look elsewhere.
    Searches,
    IsDown,
    SendsTo(String),
}

pub type Blocks = Arc<Mutex<HashMap<Cid, Block>>>;

/// The blocks of a file.
pub fn blocks_of(data: &[u8]) -> (Cid, Blocks) {
    let mut blocks = HashMap::new();
    let imported = import(data, |block| {
        blocks.insert(block.cid(), block);
        Ok::<(), io::Error>(())
    })
    .unwrap();
    (imported.cid, Arc::new(Mutex::new(blocks)))
}

/// Answers `version` well and the rest as `answer` does.
pub async fn serve<F, Fut>(answer: F) -> (String, JoinHandle<()>)
where
    F: Fn(HashMap<String, String>, Request) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    let handle = async move |Query(query): Query<HashMap<String, String>>, request: Request| {
        if request.uri().path() == "/api/v0/version" {
            return r#"{"Version":"0.42.0","Commit":"","Repo":"16"}"#.into_response();
        }
        answer(query, request).await
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(handle);
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (origin, task)
}

/// A server that counts.
pub struct Peer {
    pub origin: String,
    log: Arc<Mutex<Vec<Cid>>>,
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    gone: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// A request under way: until its answer is sent or nobody listens.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Peer {
    pub async fn start(
        blocks: &Blocks,
        manner: impl Fn(&Cid) -> Manner + Clone + Send + Sync + 'static,
    ) -> Self {
        let (log, open, most) =
            <(Arc<Mutex<Vec<Cid>>>, Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        let gone = Arc::<AtomicBool>::default();
        let counted =
            Arc::new((blocks.clone(), log.clone(), open.clone(), most.clone(), gone.clone()));
        let handle = move |query: HashMap<String, String>, request: Request| {
            let (counted, manner) = (counted.clone(), manner.clone());
            async move {
                let (blocks, asked, opened, peak, gone) = &*counted;
                if gone.load(Ordering::SeqCst) {
                    let cut = stream::iter([Err::<Bytes, _>(io::Error::other("gone"))]);
                    return Body::from_stream(cut).into_response();
                }
                let path = request.uri().path();
                let gateway = path.strip_prefix("/ipfs/");
                let cid = match gateway {
                    Some(cid) => {
                        assert_eq!(request.headers()[header::ACCEPT], "application/vnd.ipld.raw");
                        assert_eq!(query["format"], "raw");
                        parse_cid(cid).unwrap()
                    }
                    None if path == "/api/v0/block/get" => parse_cid(&query["arg"]).unwrap(),
                    None => return StatusCode::NOT_FOUND.into_response(),
                };
                let cached = request.headers().get(header::CACHE_CONTROL).is_some();
                asked.lock().unwrap().push(cid);
                peak.fetch_max(opened.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let open = Open(opened.clone());
                let block = blocks.lock().unwrap().get(&cid).map(|block| block.data().clone());
                let manner = match (manner(&cid), block.is_some()) {
                    (Manner::Honest | Manner::Late, false) => Manner::Lacks,
                    (manner, _) => manner,
                };
                answer(manner, block.unwrap_or_default(), gateway.is_some(), cached, open).await
            }
        };
        let (origin, task) = serve(handle).await;
        Self { origin, log, open, most, gone, task }
    }

    /// One that treats all blocks alike.
    pub async fn all(blocks: &Blocks, manner: Manner) -> Self {
        Self::start(blocks, move |_| manner.clone()).await
    }

    pub fn url(&self) -> SourceUrl {
        self.origin.parse().unwrap()
    }

    /// A client of it as an RPC.
    pub async fn client(&self) -> Storage {
        Storage::connect_with(&self.origin, patient()).await.unwrap()
    }

    /// The blocks that it was asked for, in order.
    pub fn asked(&self) -> Vec<Cid> {
        self.log.lock().unwrap().clone()
    }

    /// Requests that are being answered.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// The most requests at a time.
    pub fn most(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    /// Takes no more connections, and breaks off on those that there are.
    pub fn stop(&self) {
        self.gone.store(true, Ordering::SeqCst);
        self.task.abort();
    }
}

/// The URL of a server that is gone.
pub async fn dead() -> SourceUrl {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
}

async fn answer(manner: Manner, block: Bytes, gateway: bool, cached: bool, open: Open) -> Response {
    let half = block.slice(..block.len() / 2);
    match manner {
        Manner::Honest => streamed(stream::iter([Ok(block)]), open),
        Manner::Searches if cached => StatusCode::PRECONDITION_FAILED.into_response(),
        Manner::Late | Manner::Searches => {
            tokio::time::sleep(Duration::from_millis(20)).await;
            streamed(stream::iter([Ok(block)]), open)
        }
        Manner::Lies => vec![0; block.len()].into_response(),
        Manner::Truncates => streamed(stream::iter([Ok(half)]), open),
        Manner::Cuts => streamed(stream::iter([Ok(half), Err(io::Error::other("cut"))]), open),
        Manner::StopsHalfway => streamed(stream::iter([Ok(half)]).chain(stream::pending()), open),
        Manner::Trickles(pause) => {
            let bytes = stream::unfold(block, move |mut block| async move {
                tokio::time::sleep(pause).await;
                let byte = block.split_to(block.len().min(1));
                Some((Ok(byte), block))
            });
            streamed(Box::pin(bytes), open)
        }
        Manner::NeverEnds => streamed(stream::repeat(block).map(Ok), open),
        Manner::Mute => {
            let _open = open;
            std::future::pending().await
        }
        Manner::Lacks if gateway => (StatusCode::NOT_FOUND, "not here").into_response(),
        Manner::Lacks => {
            let said = r#"{"Message":"block was not found locally (offline): ipld: could not find it","Code":0,"Type":"error"}"#;
            (StatusCode::INTERNAL_SERVER_ERROR, [(header::CONTENT_TYPE, "application/json")], said)
                .into_response()
        }
        Manner::IsDown => (StatusCode::SERVICE_UNAVAILABLE, "busy").into_response(),
        Manner::SendsTo(location) => {
            (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
        }
    }
}

fn streamed(
    pieces: impl Stream<Item = Result<Bytes, io::Error>> + Send + 'static,
    open: Open,
) -> Response {
    let watched = pieces.map(move |piece| {
        let _ = &open;
        piece
    });
    Body::from_stream(watched).into_response()
}
