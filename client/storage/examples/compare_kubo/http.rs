//! A client that costs as little as possible: the kernel copies files to the socket, and answers go through one buffer.

use crate::Result;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// Longest wait for a byte. Kubo answers an `add` of gigabytes when it has them all.
const PATIENCE: Duration = Duration::from_secs(600);

const BUFFER: usize = 256 << 10;

/// What is sent.
#[derive(Clone, Copy)]
pub enum Body<'a> {
    Nothing,
    /// The first bytes of a file, as a form of one part.
    File(&'a File, u64),
    /// The same of bytes.
    Bytes(&'a [u8]),
    /// A form, [`part`] by part.
    Form(&'a [u8]),
}

/// A part of a form. `kind` is its content's type.
pub fn part(disposition: &str, kind: &str, content: &[u8]) -> Vec<u8> {
    let head = format!(
        "--frame\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: {kind}\r\n\r\n"
    );
    [head.as_bytes(), content, b"\r\n"].concat()
}

/// A connection, which is used for one request after the other.
pub struct Connection {
    stream: BufReader<TcpStream>,
    addr: SocketAddr,
}

impl Connection {
    pub fn open(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::with_capacity(BUFFER, stream), addr })
    }

    /// A command of the RPC; returns the answer's body.
    pub fn post(&mut self, command: &str, body: Body<'_>) -> Result<Vec<u8>> {
        let mut answer = Vec::new();
        self.send("POST", &format!("/api/v0/{command}"), body, &mut |piece| {
            answer.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(answer)
    }

    /// A request whose answer goes to `sink`; returns its length. Any status but 200 is an error.
    pub fn send(
        &mut self,
        method: &str,
        target: &str,
        body: Body<'_>,
        sink: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<u64> {
        let sent = self.ask(method, target, body);
        // Who refuses a request may hang up before all of it is there, and says why all the same.
        let head = match (self.head(), sent) {
            (Ok(head), _) => head,
            (Err(_), Err(error)) | (Err(error), Ok(())) => return Err(error),
        };
        let field =
            |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let is_fine = head.split(' ').nth(1) == Some("200");
        let (mut length, mut failure) = (0, Vec::new());
        let mut sink = |piece: &[u8]| {
            length += piece.len() as u64;
            if is_fine {
                return sink(piece);
            }
            failure.extend_from_slice(piece);
            Ok(())
        };
        let chunked = field("transfer-encoding") == Some("chunked");
        if chunked {
            while let count @ 1.. = u64::from_str_radix(self.line()?.trim_end(), 16)? {
                self.copy(count, &mut sink)?;
                self.line()?;
            }
            // What Kubo says of an error in the middle of a stream comes behind it.
            while let trailer = self.line()?
                && trailer != "\r\n"
            {
                if trailer.to_lowercase().starts_with("x-stream-error") {
                    return Err(format!("{target}: {trailer}").into());
                }
            }
        } else {
            self.copy(field("content-length").unwrap_or("0").parse()?, &mut sink)?;
        }
        match is_fine {
            true => Ok(length),
            false => {
                Err(format!("{method} {target}: {}", String::from_utf8_lossy(&failure).trim())
                    .into())
            }
        }
    }

    fn ask(&mut self, method: &str, target: &str, body: Body<'_>) -> Result<()> {
        let begin =
            b"--frame\r\nContent-Disposition: form-data; name=\"data\"; filename=\"data\"\r\n\
            Content-Type: application/octet-stream\r\n\r\n";
        let end = b"\r\n--frame--\r\n";
        let around = (begin.len() + end.len()) as u64;
        let length = match body {
            Body::Nothing => 0,
            Body::File(_, length) => length + around,
            Body::Bytes(bytes) => bytes.len() as u64 + around,
            Body::Form(parts) => parts.len() as u64 + end.len() as u64 - 2,
        };
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n",
            self.addr
        );
        if !matches!(body, Body::Nothing) {
            head += "Content-Type: multipart/form-data; boundary=frame\r\n";
        }
        head += "\r\n";
        let mut stream = self.stream.get_ref();
        stream.write_all(head.as_bytes())?;
        match body {
            Body::Nothing => {}
            Body::File(file, length) => {
                stream.write_all(begin)?;
                let copied = io::copy(&mut file.take(length), &mut stream)?;
                if copied != length {
                    return Err(format!("{copied} of {length} bytes are in the file").into());
                }
                stream.write_all(end)?;
            }
            Body::Bytes(bytes) => {
                stream.write_all(begin)?;
                stream.write_all(bytes)?;
                stream.write_all(end)?;
            }
            Body::Form(parts) => {
                stream.write_all(parts)?;
                stream.write_all(&end[2..])?;
            }
        }
        Ok(())
    }

    fn head(&mut self) -> Result<String> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head += &self.line()?.to_lowercase();
        }
        Ok(head)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.stream.read_line(&mut line)? {
            0 => Err(format!("{} hung up", self.addr).into()),
            _ => Ok(line),
        }
    }

    fn copy(&mut self, mut left: u64, sink: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        while left > 0 {
            let piece = self.stream.fill_buf()?;
            let count = left.min(piece.len() as u64) as usize;
            if count == 0 {
                return Err(format!("{} hung up with {left} bytes to go", self.addr).into());
            }
            sink(&piece[..count])?;
            self.stream.consume(count);
            left -= count as u64;
        }
        Ok(())
    }
}
