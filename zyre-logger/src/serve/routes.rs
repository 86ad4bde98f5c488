//! What can be asked for.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::routing::get;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use zyre::metrics::{CONTENT_TYPE, MetricKind, MetricsText};

use super::access::{Access, Verdict};
use super::answer::{answer, json as as_json, text};
use super::lines;
use super::page::FILES;
use super::scene::Scene;
use super::stream::{self, Broadcast};
use crate::store::StoreError;
use crate::with_causes;

/// How many may wait for what has to be looked for in the recording.
const SEARCHES: usize = 8;

/// The parameters of a request.
type Parameters = Query<BTreeMap<String, String>>;

/// What all answers are made of.
#[derive(Clone)]
pub(super) struct Server {
    pub(super) access: Arc<Access>,
    pub(super) scene: Arc<Scene>,
    pub(super) broadcast: Arc<Broadcast>,
    searches: Arc<Semaphore>,
}

impl Server {
    pub(super) fn new(access: Arc<Access>, scene: Arc<Scene>, broadcast: Arc<Broadcast>) -> Self {
        Self { access, scene, broadcast, searches: Arc::new(Semaphore::new(SEARCHES)) }
    }

    /// Looks for something in the recording, on a thread where that may take its time.
    async fn search(
        &self,
        search: impl FnOnce(&Scene) -> Result<Response<Body>, StoreError> + Send + 'static,
    ) -> Response<Body> {
        let Ok(permit) = self.searches.clone().try_acquire_owned() else {
            return text(StatusCode::SERVICE_UNAVAILABLE, "too many look back at once\n");
        };
        let scene = self.scene.clone();
        let found = spawn_blocking(move || {
            let _permit = permit;
            search(&scene)
        });
        match found.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let why = format!("the recording cannot be read: {}\n", with_causes(&error));
                text(StatusCode::INTERNAL_SERVER_ERROR, why)
            }
            Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "that has failed\n"),
        }
    }
}

/// Returns all routes.
pub(super) fn routes(server: Server) -> Router {
    let mut router = Router::new();
    for file in FILES {
        router = router.route(
            file.path,
            get(move || async move { answer(StatusCode::OK, file.kind, file.text) }),
        );
    }
    router
        .route("/healthz", get(|| async { text(StatusCode::OK, "ok\n") }))
        .route("/metrics", get(metrics))
        .route("/api/picture.json", get(picture))
        .route("/api/node.json", get(node))
        .route("/api/sessions.json", get(sessions))
        .route("/api/rates.json", get(rates))
        .route("/api/events", get(events))
        .fallback(|| async { text(StatusCode::NOT_FOUND, "there is nothing here\n") })
        .layer(middleware::from_fn_with_state(server.clone(), guard))
        .with_state(server)
}

/// Lets in who may look.
async fn guard(State(server): State<Server>, request: Request, next: Next) -> Response<Body> {
    match server.access.judge(request.method(), request.uri(), request.headers()) {
        Verdict::Welcome => next.run(request).await,
        Verdict::Refused(status, why) => text(status, why),
        Verdict::Cookie(cookie) => {
            let mut response = text(StatusCode::SEE_OTHER, "come in\n");
            response.headers_mut().insert(LOCATION, HeaderValue::from_static("/"));
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().insert(SET_COOKIE, cookie);
            }
            response
        }
    }
}

/// Returns a parameter that is a moment; an error that says so if it is none.
fn moment(parameters: &Parameters, name: &str) -> Result<Option<i64>, Box<Response<Body>>> {
    let Some(given) = parameters.get(name) else { return Ok(None) };
    let wrong = |_| {
        let why = format!("{name} has to be microseconds since 1970\n");
        Box::new(text(StatusCode::BAD_REQUEST, why))
    };
    given.parse().map(Some).map_err(wrong)
}

async fn picture(State(server): State<Server>, parameters: Parameters) -> Response<Body> {
    match moment(&parameters, "at") {
        Err(answer) => *answer,
        Ok(None) => as_json(&server.scene.look(|picture, now| picture.json(now))),
        Ok(Some(at)) => server.search(move |scene| Ok(as_json(&scene.at(at)?.json(at)))).await,
    }
}

async fn node(State(server): State<Server>, parameters: Parameters) -> Response<Body> {
    let at = match moment(&parameters, "at") {
        Ok(at) => at,
        Err(answer) => return *answer,
    };
    let Some(id) = parameters.get("id").cloned() else {
        return text(StatusCode::BAD_REQUEST, "id is missing\n");
    };
    let search = move |scene: &Scene| {
        let now = at.unwrap_or_else(|| scene.now());
        let picture = scene.at(now)?;
        let Some(mut node) = picture.node_json(&id, now) else {
            return Ok(text(StatusCode::NOT_FOUND, "there is no such node\n"));
        };
        let correlation = node["correlation"].as_u64().and_then(|id| u16::try_from(id).ok());
        let last = |store: &_| lines::last(store, &picture, &id, correlation.unwrap_or(0), now);
        node["last_lines"] = scene.ask(last)?;
        Ok(as_json(&node))
    };
    server.search(search).await
}

/// Returns the time that is asked for; all of it if none is.
fn span(scene: &Scene, parameters: &Parameters) -> Result<(i64, i64), Box<Response<Body>>> {
    let (first, last) = scene.history(|history| history.span()).unwrap_or((0, 0));
    let from = moment(parameters, "from")?.unwrap_or(first);
    let to = moment(parameters, "to")?.unwrap_or_else(|| scene.now().max(last));
    Ok((from, to.max(from)))
}

async fn sessions(State(server): State<Server>, parameters: Parameters) -> Response<Body> {
    match span(&server.scene, &parameters) {
        Ok((from, to)) => as_json(&server.scene.history(|history| history.sessions(from, to))),
        Err(answer) => *answer,
    }
}

async fn rates(State(server): State<Server>, parameters: Parameters) -> Response<Body> {
    let (from, to) = match span(&server.scene, &parameters) {
        Ok(span) => span,
        Err(answer) => return *answer,
    };
    let mut rates = server.scene.history(|history| history.rates(from, to));
    // A node is shown by its name.
    server.scene.look(|picture, _| {
        for node in rates["nodes"].as_array_mut().into_iter().flatten() {
            let name = picture.name_json(node[0].as_str().unwrap_or_default());
            node[0] = name;
        }
    });
    as_json(&rates)
}

async fn events(State(server): State<Server>) -> Response<Body> {
    stream::open(server.scene, &server.broadcast)
}

async fn metrics(State(server): State<Server>) -> Response<Body> {
    let mut all = MetricsText::default();
    server.scene.look(|picture, now| picture.metrics(&mut all, now));
    let foreign = server.scene.foreign();
    let help = "Frames that are no lines of a log.";
    all.figure("zyre_logger_foreign_frames_total", MetricKind::Counter, help, foreign);
    let browsers = server.broadcast.browsers();
    all.figure("zyre_logger_browsers", MetricKind::Gauge, "Browsers that follow.", browsers);
    let help = "Updates that slow browsers have missed.";
    all.figure(
        "zyre_logger_missed_updates_total",
        MetricKind::Counter,
        help,
        server.broadcast.missed(),
    );
    answer(StatusCode::OK, CONTENT_TYPE, all.finish())
}
