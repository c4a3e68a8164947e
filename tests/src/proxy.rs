//! Somebody between a client and a node, who reads along, keeps requests back, and changes answers.
//!
//! The handshake of WebSocket (RFC 6455) passes untouched; after it every message is one text frame in each direction, as the
//! client's and the node's libraries write them. What is kept back is kept for good: the connection stays, the node hears
//! nothing.

use anyhow::{Context, Result, ensure};
use std::{io, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// What a proxy does.
pub trait Meddler: Send + Sync + 'static {
    /// Whether a request of the client is kept back.
    fn keeps(&self, request: &str) -> bool {
        let _ = request;
        false
    }

    /// What becomes of an answer, or of a notification, of the node.
    fn answers(&self, answer: String) -> String {
        answer
    }
}

/// A node's RPC with a [`Meddler`] before it, until it is dropped.
pub struct Proxy {
    /// Where it listens.
    pub url: String,
    kept: watch::Receiver<u32>,
    server: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port, for the node at `node` (`ws://host:port`).
    pub async fn start(node: &str, meddler: impl Meddler) -> Result<Self> {
        let address = node.strip_prefix("ws://").context("the node's address is no ws://")?;
        let address = Arc::<str>::from(address);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("ws://{}", listener.local_addr()?);
        let (count, kept) = watch::channel(0);
        let meddler = Arc::new(meddler);
        let server = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (address, meddler, count) = (address.clone(), meddler.clone(), count.clone());
                connections.spawn(async move {
                    // A side that goes away ends the connection, as it would without a proxy.
                    let _ = connect(client, &address, &*meddler, &count).await;
                });
            }
        });
        Ok(Self { url, kept, server })
    }

    /// Requests that were kept back so far.
    pub fn kept(&self) -> u32 {
        *self.kept.borrow()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn connect(
    client: TcpStream,
    node: &str,
    meddler: &impl Meddler,
    count: &watch::Sender<u32>,
) -> Result<()> {
    let node = TcpStream::connect(node).await?;
    let (from_client, mut to_client) = client.into_split();
    let (from_node, mut to_node) = node.into_split();
    let (mut from_client, mut from_node) = (BufReader::new(from_client), BufReader::new(from_node));
    let requests = async {
        pass_headers(&mut from_client, &mut to_node).await?;
        loop {
            let frame = Frame::read(&mut from_client).await?;
            if frame.text().is_some_and(|request| meddler.keeps(request)) {
                count.send_modify(|count| *count += 1);
            } else {
                frame.write(&mut to_node, Some([0; 4])).await?;
            }
        }
    };
    let answers = async {
        pass_headers(&mut from_node, &mut to_client).await?;
        loop {
            let mut frame = Frame::read(&mut from_node).await?;
            if let Some(answer) = frame.text() {
                frame.payload = meddler.answers(answer.to_owned()).into_bytes();
            }
            frame.write(&mut to_client, None).await?;
        }
    };
    tokio::select! {
        ended = requests => ended,
        ended = answers => ended,
    }
}

/// Passes an HTTP request or answer without a body on.
async fn pass_headers(
    from: &mut (impl AsyncBufReadExt + Unpin),
    to: &mut (impl AsyncWriteExt + Unpin),
) -> Result<()> {
    let mut line = Vec::new();
    while line != b"\r\n" {
        line.clear();
        ensure!(from.read_until(b'\n', &mut line).await? > 0, "ended in the handshake");
        to.write_all(&line).await?;
    }
    Ok(())
}

/// One frame of WebSocket.
struct Frame {
    /// Whether the message ends with it, and its kind.
    head: u8,
    payload: Vec<u8>,
}

/// A message of one frame with text.
const WHOLE_TEXT: u8 = 0x81;
/// No message of a node or a client is as large.
const MAX_PAYLOAD: u64 = 64 << 20;

impl Frame {
    async fn read(from: &mut (impl AsyncReadExt + Unpin)) -> Result<Self> {
        let (head, size) = (from.read_u8().await?, from.read_u8().await?);
        let length = match size & 0x7f {
            126 => from.read_u16().await?.into(),
            127 => from.read_u64().await?,
            short => short.into(),
        };
        ensure!(length <= MAX_PAYLOAD, "a frame of {length} bytes");
        let mut mask = [0; 4];
        if size & 0x80 != 0 {
            from.read_exact(&mut mask).await?;
        }
        let mut payload = vec![0; usize::try_from(length)?];
        from.read_exact(&mut payload).await?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        Ok(Self { head, payload })
    }

    fn text(&self) -> Option<&str> {
        (self.head == WHOLE_TEXT).then_some(&self.payload[..]).and_then(|bytes| {
            // What is no text is passed on as it is.
            std::str::from_utf8(bytes).ok()
        })
    }

    /// Writes it; a client masks what it writes, be it with zeros.
    async fn write(
        &self,
        to: &mut (impl AsyncWriteExt + Unpin),
        mask: Option<[u8; 4]>,
    ) -> io::Result<()> {
        let masked = if mask.is_some() { 0x80 } else { 0 };
        let mut head = vec![self.head];
        match self.payload.len() {
            short @ 0..126 => head.push(masked | short as u8),
            medium @ 126..=0xffff => {
                head.push(masked | 126);
                head.extend_from_slice(&(medium as u16).to_be_bytes());
            }
            long => {
                head.push(masked | 127);
                head.extend_from_slice(&(long as u64).to_be_bytes());
            }
        }
        head.extend(mask.into_iter().flatten());
        to.write_all(&head).await?;
        to.write_all(&self.payload).await?;
        to.flush().await
    }
}
